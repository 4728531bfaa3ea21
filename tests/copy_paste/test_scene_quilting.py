from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from landloom.copy_paste import patches as module
from landloom.copy_paste.maps import Maps
from landloom.copy_paste.patches import Patches, cut, facing, sides_of
from landloom.copy_paste.scene_images import SceneImages
from landloom.copy_paste.scene_quilting import parts, quilted
from landloom.data.lattice import Lattice
from landloom.ratio_control import blocks
from tests import shards

PRICE = np.array([[0, 1, 4], [1, 0, 1], [4, 1, 0]], np.float32)
LATTICE = Lattice(150, 170, shards.SIDE)


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Maps:
    return Maps.of(shards.dataset(), shards.tiles(tmp_path_factory.mktemp("maps"), train=60))


@pytest.fixture(scope="module")
def own(maps: Maps) -> Patches:
    return Patches(maps, LATTICE.margin)


def targets(maps: Maps, asked: list[float], lattice: Lattice = LATTICE) -> NDArray[np.float64]:
    pixels = blocks.pixels(lattice.height, lattice.width, lattice.size)
    real = maps.shares.astype(np.float64)
    return blocks.spread(np.array(asked), real, pixels, 0.7, np.random.default_rng(0))


def made(own: Patches, wanted: NDArray[np.float64], seed: int = 0, **window: range) -> NDArray[np.uint8]:
    return np.concatenate([laid.mask for laid in quilted(own, LATTICE, wanted, seed, **window)])


@pytest.mark.parametrize("asked", [[0.4, 0.3, 0.3], [0.6, 0.2, 0.2]])
def test_a_scene_has_the_shares_that_are_asked_for(own: Patches, maps: Maps, asked: list[float]) -> None:
    mask = made(own, targets(maps, asked))
    assert mask.shape == (150, 170)
    found = np.bincount(mask.ravel(), minlength=3) / mask.size
    assert len(found) == 3
    assert np.abs(found - asked).mean() < max(0.02, 0.4 * np.abs(maps.shares.mean(0) - asked).mean())


def test_a_part_of_a_scene_has_the_same_bytes(own: Patches, maps: Maps) -> None:
    wanted, cell = targets(maps, [0.4, 0.3, 0.3]), LATTICE.cell
    whole = made(own, wanted)
    for rows, cols in [(range(2), range(8)), (range(2, 7), range(8)), (range(5, 7), range(5, 6))]:
        part = made(own, wanted, rows=rows, cols=cols)
        shown = whole[rows.start * cell : rows.stop * cell, cols.start * cell : cols.stop * cell]
        assert np.array_equal(part, shown)


def test_seeds_make_other_scenes(own: Patches, maps: Maps) -> None:
    wanted = targets(maps, [0.4, 0.3, 0.3])
    assert np.array_equal(made(own, wanted, 1), made(own, wanted, 1))
    assert not np.array_equal(made(own, wanted, 1), made(own, wanted, 2))


def test_neighbours_are_not_pieces_of_one_tile(own: Patches, maps: Maps) -> None:
    laid = [p for row in quilted(own, LATTICE, targets(maps, [0.4, 0.3, 0.3]), 0) for p in row.patches]
    tiles = {(p.row, p.col): p.tile for p in laid}
    for (row, col), tile in tiles.items():
        assert tile not in (
            tiles.get((row, col + 1)),
            tiles.get((row + 1, col)),
            tiles.get((row + 1, col + 1)),
        )


def test_the_cut_runs_where_both_have_the_same_class() -> None:
    old, new = np.zeros((1, 16, 16), np.uint8), np.full((1, 16, 16), 2, np.uint8)
    new[0, :, 3] = 0  # a column, and a row, that fit
    new[0, 12] = 0
    take, price = cut(old, new, [0, 3], 8, PRICE)
    assert price == pytest.approx(0, abs=4 * 0.25)
    assert not take[0, :12, :3].any()
    assert take[0, :12, 3:].all()
    assert not take[0, 13:].any()


def test_turns_to_a_side_are_their_own_inverse() -> None:
    x = np.arange(9).reshape(3, 3)
    firsts = [facing(x, side)[:, 0].tolist() for side in range(4)]
    assert [sorted(f) for f in firsts] == [[0, 3, 6], [2, 5, 8], [0, 1, 2], [6, 7, 8]]
    assert all(np.array_equal(facing(facing(x, side), side), x) for side in range(4))
    known = np.full((8, 8), 255, np.uint8)
    known[:, 6:] = 0
    known[:2] = 0
    assert sides_of(known, 2) == [1, 2]


def test_parts_of_a_cell_lie_on_their_blocks() -> None:
    lattice, shares = Lattice(128, 128, 32), np.arange(16.0).reshape(4, 4, 1)
    assert [(p, s[0]) for p, s in parts(shares, lattice, 0, 0)][-1] == ((slice(4, 32), slice(4, 32)), 0)
    middle = parts(shares, lattice, 1, 2)  # rows 20 to 52, columns 44 to 76
    assert [s[0] for _, s in middle] == [1, 2, 5, 6]
    assert middle[0][0] == (slice(0, 12), slice(0, 20))


def test_the_choice_weighs_price_of_seams(own: Patches, maps: Maps, monkeypatch: pytest.MonkeyPatch) -> None:
    def borders(mask: NDArray[np.uint8]) -> float:
        return float((mask[1:] != mask[:-1]).mean() + (mask[:, 1:] != mask[:, :-1]).mean())

    wanted = targets(maps, [0.4, 0.3, 0.3])
    careful = made(own, wanted)
    for name in ("SEAM", "FIT"):
        monkeypatch.setattr(module, name, -0.05)
    assert borders(careful) < borders(made(own, wanted))


def test_the_image_shows_the_classes(own: Patches, maps: Maps) -> None:
    dataset, whole = shards.dataset(), (range(LATTICE.rows), range(LATTICE.cols))
    images, rows = SceneImages(dataset, maps, LATTICE, *whole), []
    for laid in quilted(own, LATTICE, targets(maps, [0.4, 0.3, 0.3]), 0):
        images.lay(laid.patches)
        image, gaps = images.finished(laid.end)
        assert not gaps.any()
        rows.append((image, laid.mask))
    image, mask = np.concatenate([r[0] for r in rows], 1), np.concatenate([r[1] for r in rows])
    assert image.dtype == np.uint8
    assert (image.argmax(0) == mask).mean() > 0.97  # class k is brightest in band k


def test_a_single_tile_is_enough(tmp_path: Path) -> None:
    only = Maps.of(shards.dataset(), shards.tiles(tmp_path, train=1))
    lattice = Lattice(60, 60, shards.SIDE)
    wanted = np.full((2, 2, 3), 1 / 3)
    found = np.concatenate([r.mask for r in quilted(Patches(only, lattice.margin), lattice, wanted, 0)])
    assert found.shape == (60, 60)
    assert found.max() <= 2
