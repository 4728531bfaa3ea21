from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landloom.config.label_sample import RepaintConfig
from landloom.copy_paste.repainting import RepaintedMasks, grown, middle
from landloom.data import kept_pixels, samples
from landloom.data.samples import Sample
from landloom.ratio_control.choice import Drawn, Request
from tests import shards

CONFIG = RepaintConfig(margin=2, most=0.5)
ASKED = [Request(np.array(t), np.array(t), "", s) for s, t in enumerate(([0.6, 0.2, 0.2], [0.2, 0.2, 0.6]))]


def real(paths: list[Path]) -> dict[str, Sample]:
    return {s.id: s for s in samples.read(paths)}


def hole(drawn: Drawn) -> np.ndarray:
    values, where = (layer.array() for layer in drawn.layers)
    assert values.shape[0] == 3
    return where[0] == 0


def test_only_the_hole_differs_from_the_real_tile(tmp_path: Path) -> None:
    paths = shards.tiles(tmp_path, train=30)
    for drawn, asked in zip(RepaintedMasks(shards.dataset(), paths, CONFIG)(ASKED, 0), ASKED, strict=True):
        assert drawn.over is not None
        tile, open_ = real(paths)[drawn.over.id], hole(drawn)
        assert tile.split == "train"
        assert np.array_equal(drawn.layers[0].array(), tile.image_array())
        before = tile.mask_array()
        changed = drawn.mask != before
        assert changed.any()
        assert not changed[~open_].any()
        assert open_.mean() <= CONFIG.most

        def off(mask: np.ndarray, target: np.ndarray = asked.target) -> float:
            return float(np.abs(np.bincount(mask.ravel(), minlength=3) / mask.size - target).sum())

        assert off(drawn.mask) < off(before)
        assert not kept_pixels.check([Sample("s", layers=list(drawn.layers))], shards.dataset())


def test_a_margin_around_the_edit_is_painted_too_and_no_more(tmp_path: Path) -> None:
    """The same seed with and without a margin makes the same edit where the limit does not bind."""
    paths = shards.tiles(tmp_path, train=30)
    free = RepaintConfig(margin=0, most=0.9)
    bare, wide = (
        RepaintedMasks(shards.dataset(), paths, free.model_copy(update={"margin": m}))(ASKED[:1], 0)[0]
        for m in (0, 3)
    )
    assert np.array_equal(bare.mask, wide.mask)
    assert np.array_equal(hole(wide), grown(hole(bare), 3))
    assert hole(wide).sum() > hole(bare).sum()


def test_holes_grow_by_whole_pixels_in_all_directions() -> None:
    here = np.zeros((9, 9), bool)
    here[4, 4] = True
    assert grown(here, 0).sum() == 1
    assert grown(here, 1).sum() == 5
    assert grown(here, 2).sum() == 13
    assert not grown(np.zeros((4, 4), bool), 3).any()


@pytest.mark.parametrize(("share", "pixels"), [(0.25, 256), (0.01, 9), (1e-9, 1)])
def test_the_square_in_the_middle(share: float, pixels: int) -> None:
    found = middle(32, share)
    assert found.sum() == pixels
    rows, columns = np.nonzero(found)
    assert abs(rows.mean() - 15.5) <= 0.5
    assert rows.min() == columns.min()


def test_tiles_that_lack_nothing_are_painted_anew_in_the_middle(tmp_path: Path) -> None:
    rng, path = np.random.default_rng(0), tmp_path / "t.parquet"
    plain = np.zeros((32, 32), np.uint8)
    samples.write(path, [shards.sample(str(i), rng, plain, scene="s") for i in range(3)])
    whole = Request(np.array([1.0, 0, 0]), np.array([1.0, 0, 0]), "", 1)
    (drawn,) = RepaintedMasks(shards.dataset(), [path], CONFIG)([whole], 0)
    assert np.array_equal(drawn.mask, plain)
    assert np.array_equal(hole(drawn), middle(32, 0.25))


def test_the_shapes_tile_is_a_parent_though_none_of_its_pixels_is_there(tmp_path: Path) -> None:
    rng, path = np.random.default_rng(0), tmp_path / "t.parquet"
    plain, spotted = np.zeros((32, 32), np.uint8), np.zeros((32, 32), np.uint8)
    spotted[8:12, 8:13] = 1
    spotted[0, :4] = 2  # so that it is never the nearest itself
    rows = [shards.sample(n, rng, m, scene="s") for n, m in (("plain", plain), ("spotted", spotted))]
    samples.write(path, rows)
    target = np.array([1 - 20 / 1024, 20 / 1024, 0])
    draw = RepaintedMasks(shards.dataset(), [path], RepaintConfig(margin=1))
    made = [draw([Request(target, target, "", seed)], 0)[0] for seed in range(6)]
    over_plain = [d for d in made if d.over is not None and d.over.id == "plain"]
    assert over_plain
    for drawn in over_plain:
        assert list(drawn.parts) == ["plain", "spotted"]
        assert drawn.parts["plain"] == pytest.approx(1 - hole(drawn).mean())
        assert drawn.parts["spotted"] == 0
        assert (drawn.mask == 1).sum() == 20


def test_what_else_is_drawn_changes_nothing(tmp_path: Path) -> None:
    draw = RepaintedMasks(shards.dataset(), shards.tiles(tmp_path, train=30), CONFIG)
    both, alone = draw(ASKED, 0), [draw([r], 0)[0] for r in ASKED]
    for a, b in zip(both, alone, strict=True):
        assert np.array_equal(a.mask, b.mask)
        assert [x.raster for x in a.layers] == [x.raster for x in b.layers]
    other = draw([replace(ASKED[0], seed=7)], 0)[0]
    assert not np.array_equal(other.mask, both[0].mask)
