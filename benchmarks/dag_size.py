"""Jobs, time and memory of a dry run over a million tiles: ``benchmarks/dag_size.py [scenes [a shard]]``.

Then the time with all results there, which are compared with their records, and with their times shuffled. 4096
scenes of 4096 x 4096 pixels are 1,048,576 tiles of 256 pixels. All files are empty.
"""

import csv
import hashlib
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

import yaml

from landloom.runtime import registry

ROOT = Path(__file__).parents[1]
CLASSES = [("land", "#00ff00"), ("water", "#0000ff")]


JOB = re.compile(
    r"^    input: (.*)\n    output: (.*)\n(?:    .*\n)*?    (python -m landloom (\w+) .*?) 2>&1", re.M
)
EMPTY = hashlib.sha256().hexdigest()
"""Digest of a file or folder with nothing inside."""


def main() -> None:
    scenes, per_shard = [*map(int, sys.argv[1:]), *(4096, 20)[len(sys.argv) - 1 :]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, scenes, per_shard)
        text, seconds = plan(folder, "--quiet", "rules")
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        total = re.search(r"^total\s+(\d+)", text, re.M)
        jobs = total[1] if total else "?"
        asked = f"{scenes} scenes, {per_shard} a shard, {scenes * 256:,} tiles"
        print(f"{asked}: {jobs} jobs, {seconds:.1f} s, {memory:.0f} MB", flush=True)
        finish(folder, plan(folder, "--printshellcmds")[0])
        for what in ("with all results", "after a copy, by their records", "once more"):
            text, seconds = plan(folder)
            assert "Nothing to be done" in text, text
            print(f"{what}: {seconds:.1f} s", flush=True)
            if what == "with all results":
                shuffle(folder)


def plan(folder: Path, *arguments: str) -> tuple[str, float]:
    """What a dry run says, and its seconds."""
    command = [sys.executable, "-m", "snakemake", "-n", "-s", str(ROOT / "Snakefile"), *arguments]
    command += ["--workflow-profile", "none", "--configfile", "config.yaml"]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr, time.perf_counter() - start


def finish(folder: Path, text: str) -> None:
    """Make empty outputs of all jobs of a dry run, with records as the stages write them."""
    for inputs, outputs, command, stage in JOB.findall(text):
        body = {"stage": stage, "version": registry.version(stage), "command": command, "sha256": EMPTY}
        body |= {"inputs": dict.fromkeys(inputs.split(", "), EMPTY)}
        for output in outputs.split(", "):
            path = folder / output
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.name.endswith(".prov.json"):
                continue
            if path.suffix:
                path.touch()
            else:
                path.mkdir()
            path.with_name(f"{path.name}.prov.json").write_text(json.dumps(body, indent=1))


def shuffle(folder: Path) -> None:
    """Give every output a time of its own, in no order."""
    files = [p for p in (folder / "results").rglob("*") if p.is_file()]
    for when, file in enumerate(random.Random(0).sample(files, len(files))):
        os.utime(file, (10**9 + when, 10**9 + when))


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
