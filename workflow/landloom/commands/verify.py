"""``landloom verify``: re-hash results, compare them with their records and a config."""

import argparse
from pathlib import Path

from landloom.errors import InputError
from landloom.orchestration import config_files
from landloom.orchestration.dag import Dag
from landloom.provenance.audit import NOTES, PROBLEMS, Audit
from landloom.runtime.command_line import unmarked


def main(arguments: list[str]) -> int:
    """Print what is not as recorded; returns 1 when there is anything."""
    parser = argparse.ArgumentParser(prog="landloom verify", description=unmarked(__doc__))
    parser.add_argument(
        "--configfile",
        type=Path,
        nargs="+",
        action="extend",
        help="as given to snakemake",
    )
    parser.add_argument("--root", type=Path, help="results/<dataset>; from the config when absent")
    given = parser.parse_args(arguments)
    dag = Dag(config_files.read(given.configfile or [Path("config/config.yaml")]))
    root = given.root or Path("results") / dag.config.dataset
    if not root.is_dir():
        remedy = "Run it in the folder of the run, or give results/<dataset> with --root"
        raise InputError(root, "there are no results", remedy)
    found = Audit(root, dag.at({"dataset": root.name}).expected()).run()
    for entry in found["outputs"]:
        if entry["status"] != "ok":
            print(
                f"{entry['status']:9} {entry['output']}" + (f"  ({entry['why']})" if "why" in entry else "")
            )
    for row in found["cost"]:
        print("cost      " + ", ".join(f"{k} {v}" for k, v in row.items()))
    counts = {k: found["summary"][k] for k in ("ok", *PROBLEMS, *NOTES)}
    print(", ".join(f"{v} {k}" for k, v in counts.items() if v))
    return int(any(counts[k] for k in PROBLEMS))
