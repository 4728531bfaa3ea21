"""Jobs, time and memory of a dry run over a million tiles: ``benchmarks/dag_size.py [scenes [a shard]]``.

4096 scenes of 4096 x 4096 pixels are 1,048,576 tiles of 256 pixels. The files are empty; nothing reads them.
"""

import csv
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
CLASSES = [("land", "#00ff00"), ("water", "#0000ff")]


def main() -> None:
    scenes, per_shard = [*map(int, sys.argv[1:]), *(4096, 20)[len(sys.argv) - 1 :]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, scenes, per_shard)
        command = [sys.executable, "-m", "snakemake", "-n", "-s", str(ROOT / "Snakefile"), "--quiet", "rules"]
        command += ["--workflow-profile", "none", "--configfile", "config.yaml"]
        start = time.perf_counter()
        text = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    total = re.search(r"^total\s+(\d+)", text.stdout + text.stderr, re.M)
    jobs = total[1] if total else "?"
    asked = f"{scenes} scenes, {per_shard} a shard, {scenes * 256:,} tiles"
    print(f"{asked}: {jobs} jobs, {seconds:.1f} s, {memory:.0f} MB")


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
