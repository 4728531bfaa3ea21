"""Ground that several scenes show."""

import numpy as np
import pytest
from rasterio.transform import Affine
from rasterio.warp import transform as warped

from landloom.raster.ground import Ground, grounds, shared
from landloom.raster.windows import Window

UTM = "EPSG:32632"


def scene(
    name: str,
    split: str,
    east: float = 0,
    north: float = 0,
    turn: float = 0,
    crs: str | None = UTM,
    step: float = 10,
) -> Ground:
    """A scene of 100 x 100 pixels of 10 m, its upper left corner at an offset (m)."""
    place = Affine.translation(500_000 + east, 5_000_000 + north) @ Affine.rotation(turn)
    area = (split, Window(0, 0, 100, 100))
    return grounds(name, crs, place @ Affine.scale(step, -step), [area])[0]


def names(*places: Ground) -> set[frozenset[str]]:
    return {frozenset(p.scene for p in pair) for pair in shared(places)}


def test_two_dates_of_one_place_are_found() -> None:
    assert names(scene("may", "train"), scene("june", "test")) == {frozenset({"may", "june"})}
    assert not names(scene("may", "train"), scene("june", "train"))
    assert not names(scene("may", "train"), scene("may", "test"))  # blocks of one scene


@pytest.mark.parametrize(("east", "found"), [(985, True), (995, False), (1000, False), (1015, False)])
def test_neighbours_share_an_edge_and_no_ground(east: float, found: bool) -> None:
    assert bool(names(scene("a", "train"), scene("b", "val", east=east))) is found


def test_a_turned_scene_is_no_larger_than_it_is() -> None:
    """Its bounding box reaches over the neighbour, the scene does not."""
    turned = scene("a", "train", turn=45)
    assert np.ptp(turned.quad[:, 0]) == pytest.approx(1000 * 2**0.5)
    beside = scene("b", "test", east=-800, north=1300)
    assert (beside.quad.max(0)[0] > turned.quad.min(0)[0]) & (beside.quad.min(0)[1] < turned.quad.max(0)[1])
    assert not names(turned, beside)
    assert names(turned, scene("c", "test", north=300))


def test_other_coordinate_systems_and_none() -> None:
    (east,), (north,) = warped(UTM, "EPSG:32633", [500_000], [5_000_000])
    place = Affine.translation(east, north) @ Affine.scale(10, -10)
    (other,) = grounds("b", "EPSG:32633", place, [("test", Window(0, 0, 100, 100))])
    assert grounds("lost", None, None, [("test", Window(0, 0, 100, 100))]) == []
    assert names(scene("a", "train"), other, scene("far", "val", east=90_000)) == {frozenset({"a", "b"})}
    nowhere = [scene(n, s, crs=None) for n, s in (("x", "train"), ("y", "val"))]
    assert names(scene("a", "train"), *nowhere) == {frozenset({"x", "y"})}


def test_thousands_of_neighbours_are_quick() -> None:
    grid = [
        scene(f"{i}-{j}", ("train", "val", "test")[(i + j) % 3], east=1000 * i, north=1000 * j)
        for i in range(60)
        for j in range(60)
    ]
    assert shared(grid) == []
    assert len(shared([*grid, scene("again", "none", east=500, north=500)])) == 4


def test_train_and_unlabelled_scenes_may_overlap_others_may_not() -> None:
    assert names(scene("a", "train"), scene("b", "unlabelled")) == set()
    for held_out in ("val", "test"):
        assert names(scene("a", held_out), scene("b", "unlabelled")) == {frozenset("ab")}
