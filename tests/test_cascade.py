"""A coarse scene by a model of two scales, which then makes it as fine as its mask: as a user does it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

from landloom.data import coarse_images
from tests import rasters, shards
from tests.tiny import CONFIG, environment, scenes, snakemake

pytestmark = pytest.mark.slow  # a minute and a half of one core

NETWORK = {"metadata": {}, "low_resolution": {"factor": 2}}
CASCADE = CONFIG | {
    "tile": {"size": 32, "stride": 16, "scales": [1, 2], "scenes_per_shard": 5},
    "encode": {"low_resolution": {"factor": 2}},
    "image_train": CONFIG["image_train"] | NETWORK,
    "label_sample": CONFIG["label_sample"] | {"metadata": {"others": "nearest"}},
    "generators": {"landloom": {}},
    "scene_sample": {"scenes": {"wide": {"mask": "wide.tif", "scale": 2}}},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose scene has pixels of 20 m, twice those of its mask and of the data."""
    folder = tmp_path_factory.mktemp("cascade")
    scenes(folder)
    rasters.save(folder / "wide.tif", shards.mask(np.random.default_rng(9), 96))
    snakemake(folder, "--", "scene", config=CASCADE)
    return folder


def test_a_scene_is_made_at_the_coarse_level_and_then_finer(run: Path) -> None:
    coarse = "results/tiny/landloom/scenes/wide.image.tif"
    words = ["enlarge", coarse, "--run", "results/tiny", "--mask", "wide.tif", "--out", "fine.tif"]
    words += ["--configfile", "config.yaml"]
    environ = environment() | {"PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    subprocess.run([sys.executable, "-m", "landloom", *words], cwd=run, env=environ, check=True)
    with rasterio.open(run / coarse) as first, rasterio.open(run / "fine.tif") as second:
        assert (first.shape, first.res) == ((48, 48), (20, 20))
        assert (second.shape, second.res) == ((96, 96), (10, 10))
        assert second.bounds == first.bounds
        means = coarse_images.blocks(second.read(), 2).means
        assert np.abs(means - first.read()).max() <= 0.5


def test_tiles_of_both_scales_were_learned(run: Path) -> None:
    record = (run / "results/tiny/landloom/image.prov.json").read_text()
    assert all(f"latents/00000{level}.safetensors" in record for level in ("", "~x2"))
