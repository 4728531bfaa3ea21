import math

import numpy as np
import pytest
import torch

from landloom.metrics import memorisation
from landloom.metrics.memorisation import Neighbours, Place, overlapping


def places(*given: tuple[str, int, int]) -> list[Place]:
    return [Place(str(i), *g) for i, g in enumerate(given)]


def test_overlap_is_shared_pixels_of_one_scene() -> None:
    found = overlapping(places(("a", 0, 0), ("a", 0, 31), ("a", 0, 32), ("b", 0, 0)), 32)
    expected = np.eye(4, dtype=bool)
    expected[0, 1] = expected[1, 0] = expected[1, 2] = expected[2, 1] = True
    assert np.array_equal(found, expected)


def test_distances_by_hand() -> None:
    features = torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]])
    index = Neighbours(features, places(("a", 0, 0), ("b", 0, 0), ("c", 0, 0)), 32)
    assert index.radii.tolist() == [3, 4, 3]
    (near,) = index.nearest(torch.tensor([[3.0, 5.0]]))
    assert (near.id, near.distance) == ("1", 1)
    assert near.rank == 0  # nearer than any real tile to another
    assert near.realism == pytest.approx(4)  # 4 / 1
    (far,) = index.nearest(torch.tensor([[-10.0, 0.0]]))
    assert (far.id, far.distance, far.rank) == ("0", 10, 1)
    assert far.realism == pytest.approx(max(3 / 10, 4 / math.hypot(13, 4), 3 / 13))


def test_overlapping_tiles_do_not_calibrate() -> None:
    """Two pairs of nearly equal tiles: were they neighbours, a copy would look like any real tile."""
    features = torch.tensor([[0.0], [0.1], [10.0], [10.1]])
    apart = Neighbours(features, places(("a", 0, 0), ("a", 0, 99), ("b", 0, 0), ("b", 0, 99)), 32)
    shared = Neighbours(features, places(("a", 0, 0), ("a", 0, 9), ("b", 0, 0), ("b", 0, 9)), 32)
    copy = torch.tensor([[0.2]])
    assert apart.nearest(copy)[0].rank == 0.0
    assert apart.radii.max() == pytest.approx(0.1, rel=1e-3)
    assert shared.radii.min() == pytest.approx(9.9, rel=1e-3)
    assert apart.nearest(copy + 1)[0].rank == 1.0
    assert shared.nearest(copy + 1)[0].rank == 0.0


def test_radii_do_not_depend_on_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    features = torch.rand(7, 3, generator=torch.Generator().manual_seed(0))
    near = places(*[("a", 0, 20 * i) for i in range(7)])
    whole = Neighbours(features, near, 32).radii
    monkeypatch.setattr(memorisation, "BLOCK", 3)
    assert torch.allclose(Neighbours(features, near, 32).radii, whole, rtol=1e-12)


def test_without_calibration_the_rank_is_unknown() -> None:
    index = Neighbours(torch.zeros(2, 1), places(("a", 0, 0), ("a", 0, 1)), 32)
    assert math.isnan(index.nearest(torch.zeros(1, 1))[0].rank)
