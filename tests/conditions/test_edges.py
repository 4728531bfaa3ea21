import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from landloom.conditions import hed, registry
from landloom.conditions.base import Host
from landloom.conditions.edge_maps import Finder
from landloom.conditions.edges import Edges
from landloom.conditions.group import Conditions
from landloom.config.edges import EdgeConfig
from landloom.config.encode import EncodeConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.data import samples
from landloom.errors import InputError
from tests import bases

STEP = np.repeat([[0] * 8 + [100] * 8], 16, 0)[None].astype(np.float32)
"""A border between the limits of the band, upright in the middle."""


def finder(kind: Any = "gradient", sigma: float = 1.0, bands: int = 1, weights: str | None = None) -> Finder:
    return Finder(kind, sigma, weights, [0.0] * bands, [100.0] * bands, [0, 1, 2] if bands > 2 else [0])


def sample(image: Any) -> Any:
    return SimpleNamespace(id="t1", image=None if image is None else b"", image_array=lambda: image)


def test_the_strongest_edge_is_as_strong_as_can_be_and_plains_have_none() -> None:
    found = finder(sigma=3.0)(STEP)
    assert found.dtype == np.uint8
    assert (found == found[0]).all()  # the same all along the border
    # Half a pixel from the border, a Gaussian of width 3 has exp(-0.5 * (0.5 / 3)**2) of its height.
    assert found[8, 7:9] / 254 == pytest.approx(np.exp(-0.5 * (0.5 / 3) ** 2), abs=0.01)
    assert (finder(sigma=3.0)(np.full((1, 16, 16), 70.0)) == 0).all()
    assert finder(sigma=3.0)(STEP / 2)[8, 8] / 254 == pytest.approx(0.49, abs=0.01)


def test_the_band_with_the_strongest_edge_counts() -> None:
    flat = np.full_like(STEP, 40)
    both = finder(bands=2)(np.concatenate([flat, STEP]))
    assert (both == finder()(STEP)).all()


def test_where_there_is_no_data_no_edge_is_known() -> None:
    image = STEP.copy()
    image[0, 3, 4] = np.nan
    own = Edges(finder(), 16, 0.1)
    told = own.load([sample(image), sample(None)])
    assert own.module is not None
    shown = own.module(told)
    assert shown[0, :, 3, 4].tolist() == [0, 0]
    assert shown[0, 1].sum() == 255
    assert bool((shown[1] == 0).all())
    assert own.untold(told).tolist() == [False, True]


def test_no_image_is_an_error_if_training_always_showed_one() -> None:
    with pytest.raises(InputError, match=r"^t1: has no image yet, .*'edges'.*label_sample\.source"):
        Edges(finder(), 16, 0).load([sample(None)])


def test_from_the_tiles_to_the_sampler(tmp_path: Path) -> None:
    """Encode keeps them, a section switches them on, and the model's folder has all that a sampler needs."""
    tiles, dataset = bases.tiles(tmp_path), bases.dataset()
    assert "edges" not in registry.recorded(EncodeConfig(), dataset, tiles)
    kept = registry.recorded(EncodeConfig(edges=EdgeConfig(sigma=2)), dataset, tiles)
    host = Host(dataset, "caption", torch.zeros(1, 7, 32), 64)
    told = registry.told(ImageTrainConfig.model_validate({"edges": {"sigma": 2}}), host)
    assert [c.name for c in told.hints] == ["mask", "edges"]
    registry.save(Conditions([told.members["edges"]]), tmp_path)
    again = registry.load(tmp_path).members["edges"]
    train = list(samples.read(tiles, split="train"))
    assert torch.equal(told.members["edges"].cached(kept), again.load(train))
    samples.write(tmp_path / "none.parquet", [])
    none = registry.recorded(EncodeConfig(edges=EdgeConfig()), dataset, [tmp_path / "none.parquet"])
    assert none["edges"].shape == (0, bases.SIDE, bases.SIDE)


def test_canny_draws_one_thin_line_along_a_border() -> None:
    soft = STEP.copy()
    soft[:, :, 8] = 50  # the steepest pixel; both sides of a sharp border would be
    found = finder("canny", bands=3)(np.concatenate([soft] * 3))
    inside = found[4:12]
    assert set(np.unique(found)) == {0, 254}
    assert ((inside == 254).sum(1) == 1).all()
    assert (inside[:, 8] == 254).all()
    assert not finder("canny", bands=3)(np.full((3, 16, 16), 70.0)).any()


def test_hed_reads_the_layout_of_its_package(tmp_path: Path) -> None:
    """All weights zero but the biases: the probability is that of the last layer, by hand."""
    h5py = pytest.importorskip("h5py")
    layers = zip(hed.names(), hed.convolutions(hed.Hed()), strict=True)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for name, layer in layers:
            out, into, *sides = layer.weight.shape
            file[f"{name}/vars/0"] = np.full((*sides, into, out), 0.2 if name == "fuse" else 0, np.float32)
            file[f"{name}/vars/1"] = np.full(out, 0.5 if name.startswith("dsn") else 0, np.float32)
    found = finder("hed", bands=3, weights=str(tmp_path / "w.h5"))(np.concatenate([STEP] * 3))
    assert (found == round(254 / (1 + np.exp(-0.5)))).all()


def test_weights_of_hed_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "w.h5").write_text("no")
    for name in ("w.h5", "gone.h5"):
        with pytest.raises(InputError, match=rf"^edges\.weights: .*{name}: cannot be read as weights of HED"):
            finder("hed", bands=3, weights=str(tmp_path / name))(np.concatenate([STEP] * 3))


def test_hed_finds_borders_of_real_fields() -> None:
    """With its real weights, where they are: much on borders of classes, little inside of water."""
    weights = os.environ.get("LANDLOOM_HED")
    if not weights:
        pytest.skip("LANDLOOM_HED names no file of weights")
    image = np.zeros((3, 64, 64), np.float32)
    image[:, 16:48, 16:48] = 90
    found = finder("hed", bands=3, weights=weights)(image).astype(float)
    assert found[15:18, 20:44].max(0).mean() > 5 * found[28:36, 28:36].mean()
