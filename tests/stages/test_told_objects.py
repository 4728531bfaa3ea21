"""Objects from the tiles through encode and image_train to what image_sample makes of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

from landloom.config.boxes import BoxesConfig, KeptBoxesConfig
from landloom.config.image_train import OneStepConfig
from landloom.data import samples
from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.data.statistics import ClassInfo, Statistics
from landloom.raster import codec
from tests import bases
from tests.stages.conftest import IMAGE, run

ONE_STEP = {"objective": "one_step", "one_step": OneStepConfig(width=8)}


def box(left: float, top: float, right: float, bottom: float) -> Object:
    return Object(0, [left, top, right, top, right, bottom, left, bottom])


@pytest.fixture(scope="module")
def told(tiny: dict[str, Any], base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Statistics and latents of the first scene, whose tiles hold a box each; nobody looked at the third."""
    folder = tmp_path_factory.mktemp("objects")
    found = {name: folder / name for name in ("statistics", "tiles", "latents")}
    dataset = Statistics.load(tiny["statistics"])
    dataset.objects = [ClassInfo(name="ship", color="#ffffff")]
    dataset.save(found["statistics"])
    rows = list(samples.read(tiny["tiles"][0]))
    for i, row in enumerate(rows):
        row.objects = None if i == 2 else [box(i, 4, i + 16, 12)]
    samples.write(found["tiles"], rows, samples.metadata(tiny["tiles"][0]))
    job = {k: found[k] for k in ("statistics", "tiles")} | {"base": base, "out": found["latents"]}
    config = bases.ENCODE.model_copy(update={"boxes": KeptBoxesConfig()})
    bases.execute("encode", **job, config=config, captions=tiny["captions"][0])
    return found


def test_encode_keeps_objects_of_train_tiles(told: dict[str, Path]) -> None:
    with safe_open(told["latents"], "np") as file:
        kept = file.get_tensor("boxes")
    assert kept.shape == (4, 4, bases.SIDE, bases.SIDE)
    assert [bool((k == 255).all()) for k in kept] == [False, True, False, False]
    assert (kept[0, 0, 4:12, 1:17] == 254).all()


@pytest.mark.parametrize("own", [{}, ONE_STEP], ids=["denoise", "one_step"])
def test_images_follow_the_objects_of_their_masks(
    own: dict[str, Any], told: dict[str, Path], image_job: dict[str, Any], base: Path, tmp_path: Path
) -> None:
    config = IMAGE.model_copy(update={"boxes": BoxesConfig(), "steps": 12} | own)
    changes = {"config": config, "latents": [told["latents"]], "statistics": told["statistics"]}
    model = run("image_train", image_job | changes, tmp_path)
    channels = json.loads((model / "conditions.json").read_text())["boxes"]["channels"]
    assert channels == ["ship", "depth", "sine of twice the angle", "cosine of twice the angle", "known"]
    mask = codec.encode(np.zeros((bases.SIDE, bases.SIDE), np.uint8))
    lists = [[box(2, 2, 20, 10)], [box(8, 14, 16, 30)], [], None, [box(2, 2, 20, 10)]]
    masks, pairs = tmp_path / "masks.parquet", tmp_path / "pairs.parquet"
    samples.write(
        masks, [Sample(f"m{i}", mask, caption="a river", seed=7, objects=o) for i, o in enumerate(lists)]
    )
    job = {"statistics": told["statistics"], "base": base, "controlnet": model, "masks": masks, "out": pairs}
    how = json.dumps({"steps": 1, "guidance": 1})
    bases.execute("image_sample", **job, resamples=tmp_path / "again.parquet", config=how)
    found = list(samples.read(pairs))
    assert [s.objects for s in found] == lists
    images = [s.image_array() for s in found]
    assert (images[0] == images[4]).all()
    assert all((images[i] != images[j]).any() for i in range(4) for j in range(i))
