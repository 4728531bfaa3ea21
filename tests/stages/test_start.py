"""What a job imports with each back-end, beyond what its stage does (``tests/test_imports.py``)."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests import bases
from tests.test_imports import SLOW

CODE = """
import sys
from landloom.__main__ import execute
execute(sys.argv[1], sys.argv[2:])
print(*sys.modules)
"""


def brought(stage: str, **values: Any) -> set[str]:
    """Slow packages that a job has imported when it ends."""
    command = [sys.executable, "-c", CODE, stage, *bases.arguments(**values)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return SLOW & set(run.stdout.split())


def test_real_masks_and_images_need_no_torch(tiny: dict[str, Any], plan: Path, tmp_path: Path) -> None:
    masks, outputs = tmp_path / "masks.parquet", {n: tmp_path / f"{n}.parquet" for n in ("out", "resamples")}
    given = {"statistics": tiny["statistics"], "config": '{"source": "real"}'}
    job = given | {"plan": plan, "tiles": tiny["tiles"], "generator": "g", "shard": 0, "out": masks}
    assert brought("label_sample", **job) <= {"pandas"}
    assert brought("image_sample", **given, masks=masks, **outputs) <= {"pandas"}
    cut = given | {"config": '{"source": "collage"}', "tiles": tiny["tiles"]}
    assert brought("image_sample", **cut, masks=masks, **outputs) <= {"pandas", "torch", "scipy"}


def test_a_gan_needs_no_diffusers(
    tiny: dict[str, Any], masks: Path, pix2pix_job: dict[str, Any], pix2pix: Path, tmp_path: Path
) -> None:
    trained = {n: tmp_path / n for n in ("state", "out", "metrics")}
    job = pix2pix_job | {"config": pix2pix_job["config"].model_copy(update={"steps": 1})}
    assert not brought("image_train", **job, **trained) & {"diffusers", "peft", "transformers", "timm"}
    given = {"statistics": tiny["statistics"], "masks": masks, "translator": pix2pix, "config": "{}"}
    made = {n: tmp_path / f"{n}.parquet" for n in ("out", "resamples")}
    assert brought("image_sample", **given, **made) <= {"torch", "accelerate", "pandas"}
