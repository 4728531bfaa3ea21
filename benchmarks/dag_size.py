"""Jobs, time and memory of a dry run over millions of tiles.

python benchmarks/dag_size.py [10000] [--per-shard 20] [--finished]

10,000 scenes of 4096 x 4096 pixels are 2,560,000 tiles of 256 pixels; all files are empty. ``--finished``
adds the time with all results there, which are compared with their records, and with their times shuffled.
"""

import argparse
import csv
import hashlib
import io
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from comparison import report

from landloom.orchestration import recorded_jobs
from landloom.provenance import records
from landloom.runtime import registry

ROOT = Path(__file__).parents[1]
CLASSES = [("land", "#00ff00"), ("water", "#0000ff")]


EMPTY = hashlib.sha256().hexdigest()
"""Digest of a file or folder with nothing inside."""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenes", type=int, nargs="?", default=10_000)
    parser.add_argument("--per-shard", type=int, default=20)
    parser.add_argument("--finished", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, given.scenes, given.per_shard)
        start = time.perf_counter()
        text, taken = plan(folder, "--quiet", "rules")
        took, memory = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        total = re.search(r"^total\s+(\d+)", text, re.M)
        asked = f"{given.scenes:,} scenes, {given.per_shard} a shard, {given.scenes * 256:,} tiles"
        print(f"{asked}: {total[1] if total else '?'} jobs, {taken}", flush=True)
        work = f"dry run of {asked}"
        report("dag_seconds", work, "a clock", [took], 30.0, "low", "seconds")
        report("dag_memory", work, "resident memory", [memory / 2**20], 1.0, "low", "GB")
        if given.finished:
            finished(folder)


def finished(folder: Path) -> None:
    """Print how long it takes to find that all is done."""
    finish(folder, plan(folder, "--summary")[0])
    date(folder, time.time(), 0.0)
    by_times = ["--rerun-triggers", "mtime"]
    for what, words in [("all results there, by times alone", by_times), ("by records, too", [])]:
        show(what, folder, *words)
    date(folder, 1e9, 1.0)
    show("after a copy", folder)


def show(what: str, folder: Path, *arguments: str) -> None:
    """Print how long it takes to find that nothing is to be done."""
    text, taken = plan(folder, *arguments)
    assert "Nothing to be done" in text, text[-500:]
    print(f"{what}: {taken}", flush=True)


def plan(folder: Path, *arguments: str) -> tuple[str, str]:
    """What a dry run says, and the time it took."""
    command = [sys.executable, "-m", "snakemake", "-n", "-s", str(ROOT / "Snakefile"), *arguments]
    command += ["--workflow-profile", "none", "--configfile", "config.yaml"]
    start, used = time.perf_counter(), cpu()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    taken = f"{time.perf_counter() - start:.1f} s ({cpu() - used:.1f} s of CPU)"
    return done.stdout + done.stderr, taken


def cpu() -> float:
    """Seconds of CPU that ended child processes took."""
    used = os.times()
    return used.children_user + used.children_system


FINISH = f"""
include: "{ROOT}/Snakefile"
sys.path.insert(0, "{ROOT}/benchmarks")
freshness.asked = True
__import__("dag_size").record(workflow)
"""


def finish(folder: Path, summary: str) -> None:
    """Make all outputs that a summary of Snakemake names, empty, with records as the stages write them."""
    for row in csv.DictReader(io.StringIO(summary[summary.index("output_file\t") :]), delimiter="\t"):
        path, stage = folder / row["output_file"], row["rule"].removesuffix("_scenes")
        if not path.name.endswith(records.SUFFIX):
            path.parent.mkdir(parents=True, exist_ok=True)
            _ = path.touch() if path.suffix else path.mkdir()
            stub = {"stage": stage, "version": registry.version(stage), "command": "", "sha256": EMPTY}
            records.record_path(path).write_text(json.dumps(stub | {"inputs": {}}))
    (folder / "finish.smk").write_text(FINISH)
    words = ["--list", "-s", "finish.smk", "--configfile", "config.yaml", "--workflow-profile", "none"]
    subprocess.run([sys.executable, "-m", "snakemake", *words], cwd=folder, capture_output=True, check=True)


def record(workflow: Any) -> None:
    """Complete the records of outputs; called by a Snakefile that has the workflow's rules."""
    made = recorded_jobs.read(Path("results/million"))
    for output, job in recorded_jobs.jobs(workflow, made).items():
        if output in made:
            full = {**made[output], "command": job.command, "inputs": dict.fromkeys(job.inputs, EMPTY)}
            records.record_path(Path(output)).write_text(json.dumps(full, indent=1))


def date(folder: Path, first: float, step: float) -> None:
    """Give the outputs times, in no order, so many seconds apart."""
    files = [p for p in (folder / "results").rglob("*") if p.parent.name != ".landloom"]
    for i, file in enumerate(random.Random(0).sample(files, len(files))):
        os.utime(file, (first + i * step, first + i * step))


def prepare(folder: Path, scenes: int, per_shard: int) -> None:
    """Write the manifest, its empty files and a config."""
    with (folder / "scenes.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["scene", "image", "mask"])
        for i in range(scenes):
            names = [f"scene{i:06d}", f"images/{i:06d}.tif", f"masks/{i:06d}.tif"]
            rows.writerow(names)
            for path in names[1:]:
                (folder / path).parent.mkdir(exist_ok=True)
                (folder / path).touch()
    config = {
        "dataset": "million",
        "data": {
            "manifest": "scenes.csv",
            "classes": [{"name": n, "values": [i], "color": c} for i, (n, c) in enumerate(CLASSES)],
            "split": {"by": "scene", "val": 0.1, "test": 0.1},
        },
        "tile": {"size": 256, "scenes_per_shard": per_shard},
        "plan": {"count": 200_000, "shards": 50},
        "mix": {"ratios": [0.2, 0.4]},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


if __name__ == "__main__":
    main()
