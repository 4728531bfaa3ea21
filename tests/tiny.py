"""A tiny data set, a config that goes through all stages with it, and the workflow as a user runs it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tests import rasters, shards

ROOT = Path(__file__).parents[1]
CONFIG: dict[str, Any] = {
    "dataset": "tiny",
    "data": {
        "images": "images/{scene}.tif",
        "masks": "masks/{scene}.tif",
        "classes": [
            {"name": n, "values": [i + 1], "color": c}
            for i, (n, c) in enumerate({"field": "#ff0000", "wood": "#00ff00", "lake": "#0000ff"}.items())
        ],
        "split": {"by": "scene", "val": ["d"], "test": ["e"]},
    },
    "check": {"free_disk_gb": 0.01},
    "tile": {"size": 32, "stride": 16},
    "base": {
        "threads": 1,
        "vae": {"channels": [8, 16], "steps": 6},
        "unet": {
            "channels": [16, 32],
            "groups": 8,
            "steps": 4,
            "batch": 4,
            "text_width": 16,
            "head": 16,
        },
    },
    "label_train": {"threads": 1, "steps": 3, "batch": 4, "rank": 4, "proportion": {"probe_steps": 5}},
    "plan": {"count": 12, "shards": 2},
    "label_sample": {"steps": 2, "guidance": 1},
    "image_train": {"threads": 1, "steps": 3, "batch": 4},
    "image_sample": {"steps": 2, "guidance": 1},
    "generators": {
        "landloom": {},
        "oversampling": {"label_sample": {"source": "real"}, "image_sample": {"source": "real"}},
    },
    "mix": {"ratios": [0.2]},
    "segment": {
        "networks": {"unet": {"architecture": "Unet", "encoder": "mobilenet_v2"}},
        "seeds": [0],
        "steps": 4,
        "batch": 4,
    },
    "evaluate": {"samples": 4},
    "report": {"examples": 2},
}


def snakemake(
    folder: Path, *arguments: str, config: dict[str, Any] | None = None, before: Sequence[Path] = ()
) -> str:
    """Run the workflow in a folder, with other folders on the path before all; fails with its output."""
    if config is not None:
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2",
         "--max-threads", "1", "--workflow-profile", "none", "--configfile", "config.yaml", *arguments],
        cwd=folder, capture_output=True, text=True, env=environment(*before),
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


def environment(*before: Path) -> dict[str, str]:
    """The environment, with this interpreter first on the path, after the folders in ``before``."""
    folders = [*map(str, before), str(Path(sys.executable).parent), os.environ["PATH"]]
    return os.environ | {"PATH": os.pathsep.join(folders)}


def scenes(folder: Path) -> None:
    """Write the images and masks of five scenes."""
    for seed, scene in enumerate("abcde"):
        rng = np.random.default_rng(seed)
        mask = shards.mask(rng, 64)
        rasters.save(folder / f"images/{scene}.tif", shards.image(mask, rng))
        rasters.save(folder / f"masks/{scene}.tif", mask + np.uint8(1))


def rerun(output: str) -> set[str]:
    """Rules that a dry run would run."""
    lines = output.split("Job stats:")[-1].splitlines() if "Job stats:" in output else []
    return {row[0] for line in lines if len(row := line.split()) == 2 and row[1].isdigit()} - {"total", "all"}
