"""``landloom trace ID``: from which request, seeds, models and scenes a synthetic sample came."""

import argparse
import json
from pathlib import Path
from typing import Any

from landloom.data import samples
from landloom.data.columns import plain
from landloom.errors import InputError
from landloom.provenance.audit import Audit
from landloom.runtime.command_line import unmarked

FOLDERS = ("curated", "pairs", "masks")
FACTS = ("id", "source", "split", "seed", "caption", "ratios", "target_ratios", "parents", "scene",
         "request", "quality")  # fmt: skip
JOB = ("stage", "version", "sha256", "started", "seconds", "device", "gpus", "host", "slurm_job")


def main(arguments: list[str]) -> int:
    """Print the history of one sample as JSON."""
    parser = argparse.ArgumentParser(prog="landloom trace", description=unmarked(__doc__))
    parser.add_argument("id", help="id of a sample, as in the shards and exports")
    parser.add_argument("--root", type=Path, help="results/<dataset>; all of results/ when absent")
    given = parser.parse_args(arguments)
    roots = [given.root] if given.root else sorted(p for p in Path("results").glob("[!.]*") if p.is_dir())
    found = json.dumps(trace(given.id, roots), indent=1, ensure_ascii=False)
    # Bytes of a path that are no UTF-8 cannot be printed; this is how JSON writes them.
    print(found.encode("utf-8", "backslashreplace").decode())
    return 0


def trace(sample: str, roots: list[Path]) -> dict[str, Any]:
    """Where a sample came from: its facts, the jobs behind it (newest first), and the scenes.

    Raises:
        InputError: no shard of any generator holds the sample.
    """
    for root in roots:
        for folder in FOLDERS:
            for shard in sorted(root.glob(f"*/{folder}/*.parquet")):
                row = find(shard, sample)
                if row is not None:
                    return {"sample": row, **history(root, shard)}
    places = ", ".join(str(r) for r in roots) or "results/"
    raise InputError(
        sample, f"no synthetic sample of this id in {places}", "Take an id from a shard or export."
    )


def find(shard: Path, sample: str) -> dict[str, Any] | None:
    """Facts of a sample, if a shard holds it; images are not read."""
    table = samples.columns([shard], FACTS)
    if sample not in table["id"]:
        return None
    row = table["id"].index(sample)
    return {name: plain(cells[row]) for name, cells in table.items()}


def history(root: Path, shard: Path) -> dict[str, Any]:
    """All jobs that led to a shard, from its record back to the scenes."""
    audit = Audit(root)
    todo, seen, scenes = [audit.producer(shard.relative_to(root).as_posix())], [], {}
    while todo:
        name = todo.pop(0)
        if name is None or name in seen:
            continue
        seen.append(name)
        for path, digest in audit.records[name]["inputs"].items():
            inside = audit.inside(path)
            made_by = None if inside is None else audit.producer(inside)
            if made_by is None:
                scenes[path] = digest
            todo.append(made_by)
    jobs = [
        {"output": n} | {k: audit.records[n].get(k) for k in JOB} | _settings(audit.records[n]) for n in seen
    ]
    return {"jobs": jobs, "sources": [{"path": p, "sha256": d} for p, d in sorted(scenes.items())]}


def _settings(record: dict[str, Any]) -> dict[str, Any]:
    return {"settings": record["parameters"]}
