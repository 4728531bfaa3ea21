import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.detection.boxes import boxes, corners, overlaps, quads
from landloom.detection.layouts import Layouts, nearest

SIZE = 256


def tiles(count: int, seed: int = 0, level: bool = False) -> list[Sample]:
    """Ships in rows, 6 x 14 pixels and 20 apart on average, and one large tank."""
    rng, found = np.random.default_rng(seed), []
    for i in range(count):
        start, angle = rng.uniform(60, 110, 2), 0.0 if level else rng.uniform(0, np.pi)
        step = rng.normal(20, 3) * np.array([-np.sin(angle), np.cos(angle)])
        rows = []
        for j in range(int(rng.integers(2, 5))):
            centre, long = start + j * step, rng.normal(14, 2)
            box = [*centre, long, 0.45 * long, np.sin(2 * angle), np.cos(2 * angle)]
            rows.append(Object(0, corners(np.array([box]))[0].ravel().tolist()))
        tank = corners(np.array([[200.0, 200, 30, 30, 0, 1]]))[0].ravel().tolist()
        found.append(Sample(id=f"t{i}", objects=[*rows, Object(1, tank)]))
    return found


def drawn(layouts: Layouts, count: int = 200) -> list[list[Object]]:
    return [layouts.draw(seed)[0] for seed in range(count)]


def of(objects: list[Object], category: int = 0) -> list[Object]:
    return [o for o in objects if o.category == category]


def measures(layouts: list[list[Object]]) -> tuple[np.ndarray, np.ndarray]:
    """Long sides of ships, and distances to the nearest one."""
    sides = boxes(quads([o for one in layouts for o in of(one)]), "rotated")[:, 2]
    return sides, np.concatenate([nearest(of(one)) for one in layouts])


def test_layouts_keep_all_objects_of_their_tile() -> None:
    layouts = Layouts(tiles(20), SIZE, {}, 0.1)
    for seed in range(30):
        found, tile = layouts.draw(seed)
        assert [o.category for o in found] == [o.category for o in tile.objects or []]
    assert layouts.lacking == 0


def test_the_same_seed_is_the_same_layout() -> None:
    a, b = (Layouts(tiles(20), SIZE, {0: 2}, 0.1) for _ in range(2))
    assert a.draw(7)[0] == b.draw(7)[0]
    b.draw(1)
    assert b.draw(7)[0] == a.draw(7)[0] != a.draw(8)[0]


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5, 3.0])
def test_counts_are_those_that_are_asked_for(factor: float) -> None:
    plain, boosted = (Layouts(tiles(40), SIZE, boost, 0.1) for boost in ({}, {0: factor}))
    before, after = (sum(len(of(one)) for one in drawn(x)) for x in (plain, boosted))
    assert after + boosted.lacking == pytest.approx(factor * before, rel=0.04)
    assert boosted.lacking <= 0.02 * boosted.asked
    assert all(len(of(one, 1)) == 1 for one in drawn(boosted, 20))


def test_objects_do_not_overlap_more_than_allowed_or_real() -> None:
    for one in drawn(Layouts(tiles(40), SIZE, {0: 3}, 0.05), 60):
        shared = overlaps(quads(one), quads(one))
        assert shared[~np.eye(len(one), dtype=bool)].max() <= 0.05


def test_sizes_and_gaps_are_as_far_from_real_as_two_real_halves() -> None:
    real = tiles(120)
    halves = [measures([t.objects or [] for t in half]) for half in (real[::2], real[1::2])]
    made = measures(drawn(Layouts(real[::2], SIZE, {0: 1.5}, 0.1), 60))
    for one, other, new, scale in zip(*halves, made, (14.0, 20.0), strict=True):
        between = wasserstein_distance(one, other)
        assert wasserstein_distance(new, other) < max(2 * between, 0.05 * scale)


def test_level_boxes_stay_level() -> None:
    for one in drawn(Layouts(tiles(10, level=True), SIZE, {0: 2}, 0.1), 20):
        sides = np.abs(np.diff(quads(one), axis=1)).min(-1)
        assert sides.max() < 1e-6


def test_what_finds_no_place_is_counted() -> None:
    full = Object(0, [0, 0, SIZE, 0, SIZE, SIZE, 0, SIZE])
    layouts = Layouts([Sample(id="a", objects=[full])], SIZE, {0: 3}, 0.0)
    assert len(layouts.draw(0)[0]) == 1
    assert (layouts.lacking, layouts.asked) == (2, 3)


def test_nearest_neighbours_by_hand() -> None:
    square = np.array([[0.0, 0], [2, 0], [2, 2], [0, 2]])
    three = [Object(0, (square + at).ravel().tolist()) for at in ([0, 0], [3, 4], [3, 16])]
    assert nearest(three).tolist() == [5, 5, 12]
    assert nearest(three[:1]).tolist() == []
