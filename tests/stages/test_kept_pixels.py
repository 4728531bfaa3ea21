"""Known pixels and coarse means are kept by what is sampled."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from landloom.config.image_sample import ImageSampleConfig
from landloom.data import coarse_images, kept_pixels, samples
from landloom.data.samples import Sample
from landloom.errors import InputError
from landloom.raster import codec
from landloom.stages import image_sample
from tests import bases


def test_known_pixels_stay_bit_for_bit_and_the_rest_is_the_generators() -> None:
    """Also values above the limits of the bands, which the generator itself could not make."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 65536, (bases.BANDS, bases.SIDE, bases.SIDE)).astype(np.uint16)
    known = rng.random((bases.SIDE, bases.SIDE)) < 0.5
    rows = [Sample("a", layers=kept_pixels.layers(values, known), seed=1), Sample("b", seed=2)]

    def plain(some: Any, seeds: Any, start: Any) -> NDArray[np.float32]:
        return np.zeros((len(some), *values.shape), np.float32)

    wanted = [(row, row.seed or 0) for row in rows]
    found = list(image_sample.painted(ImageSampleConfig(), bases.dataset(), plain, None, wanted))
    kept, free = (s.image_array() for s in found)
    assert kept.dtype == free.dtype == np.uint16
    assert np.array_equal(kept[:, known], values[:, known])
    assert (kept[:, ~known] == 2000).all()
    assert (free == 2000).all()


def test_known_pixels_of_other_bands_are_refused_before_a_model_is_read(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    shard, known = tmp_path / "masks.parquet", np.eye(bases.SIDE) > 0
    bad = Sample("odd7", layers=kept_pixels.layers(np.zeros((3, bases.SIDE, bases.SIDE), np.uint16), known))
    samples.write(shard, [bad])
    job = {"masks": shard, "out": tmp_path / "o.parquet", "resamples": tmp_path / "r.parquet"}
    with pytest.raises(InputError, match=r"^odd7: its layer 'known_pixels' has 3 bands .* for 4 bands"):
        bases.execute("image_sample", statistics=tiny["statistics"], config="{}", **job)


def test_blocks_agree_with_the_coarse_image_and_known_pixels_stay_all_the_same() -> None:
    """The coarse image is that of the image that a mask brings, or a layer; without one nothing moves."""
    rng, shape = np.random.default_rng(0), (bases.BANDS, bases.SIDE, bases.SIDE)
    values = rng.integers(0, 4000, shape).astype(np.uint16)
    cells = rng.integers(0, 4000, (bases.BANDS, bases.SIDE // 8, bases.SIDE // 8)).astype(np.uint16)
    layer = coarse_images.layers(cells, np.ones(cells.shape[1:], bool))
    known = np.zeros(shape[1:], bool)
    known[:8, :8] = True
    rows = [
        Sample("own", image=codec.encode(values)),
        Sample("layer", layers=layer),
        Sample("none"),
        Sample("kept", layers=[*layer, *kept_pixels.layers(values, known)]),
    ]

    def plain(some: Any, seeds: Any, start: Any) -> NDArray[np.float32]:
        return np.zeros((len(some), *shape), np.float32)

    wanted = [(row, 0) for row in rows]
    found = list(image_sample.painted(ImageSampleConfig(), bases.dataset(), plain, None, wanted, 8))
    own, layered, none, kept = (s.image_array() for s in found)
    assert np.abs(coarse_images.blocks(own, 8).means - coarse_images.blocks(values, 8).means).max() <= 0.5
    assert np.array_equal(layered, cells.repeat(8, 1).repeat(8, 2))
    assert (none == 2000).all()
    assert np.array_equal(kept[:, known], values[:, known])
    assert np.array_equal(kept[:, ~known], layered[:, ~known])


def test_only_generators_that_learned_coarse_images_can_agree_with_them(tmp_path: Path) -> None:
    (tmp_path / "conditions.json").write_text('{"low_resolution": {"factor": 4}}')
    assert image_sample.coarse_factor(tmp_path) == 4
    (tmp_path / "conditions.json").write_text('{"mask": {}}')
    with pytest.raises(InputError, match=r"has not learned low_resolution\. Set image_sample\.cons"):
        image_sample.coarse_factor(tmp_path)
