import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landloom.data.batches import spread
from landloom.data.cells import reduced
from landloom.data.symmetry import turn
from landloom.metrics import validity
from landloom.raster.labels import IGNORE
from landloom.raster.regions import borders_of
from tests import shards

HALVES = np.array([[0, 0, 1, 1]] * 4, np.uint8)


def test_borders_by_hand() -> None:
    borders, share = borders_of(HALVES, 3)
    assert borders.tolist() == [[0, 2, 0], [2, 0, 0], [0, 0, 0]]  # 4 sides, half each way
    assert share == 4 / 24


def test_ignored_pixels_have_no_borders() -> None:
    mask = HALVES.copy()
    mask[:, 2:] = IGNORE
    borders, share = borders_of(mask, 3)
    assert borders.sum() == share == 0


def test_regions_by_hand() -> None:
    mask = np.array([[0, 1, 0], [1, 1, 0], [2, 2, IGNORE]], np.uint8)
    assert [sorted(s.tolist()) for s in validity.region_sizes(mask, 3)] == [[1, 2], [3], [2]]


def test_a_set_is_like_itself() -> None:
    rng = np.random.default_rng(0)
    found = validity.shape([shards.mask(rng) for _ in range(4)], 3)
    same = {"adjacency": 0, "regions": 0, "boundary": 1, "specks": 0, "joined": 1}
    assert validity.distances(found, found) == same


def test_specks_and_connected_parts_by_hand() -> None:
    road = np.zeros((8, 8), np.uint8)
    road[4] = 1
    road[0, ::2] = 1  # four crumbs
    found = validity.shape([road, HALVES], 3)
    assert found.specks == 2  # four in one mask, none in the other
    assert found.joined[:2] == pytest.approx([1, (10 / 12 + 1) / 2])
    assert np.isnan(found.joined[2])
    whole = road.copy()
    whole[0] = 0
    assert validity.distances(validity.shape([road], 2), validity.shape([whole], 2))["joined"] == (
        pytest.approx((1 + 10 / 12) / 2)
    )


def test_noise_is_not_like_blocks() -> None:
    rng = np.random.default_rng(0)
    real = validity.shape([shards.mask(rng) for _ in range(4)], 3)
    made = validity.shape([rng.integers(0, 3, (32, 32)).astype(np.uint8) for _ in range(4)], 3)
    found = validity.distances(made, real)
    assert found["boundary"] > 3
    assert found["regions"] > 3


def test_other_neighbours_are_seen() -> None:
    real, made = (validity.shape([HALVES + k], 3) for k in (0, 1))
    assert validity.distances(made, real)["adjacency"] == 1


@pytest.mark.parametrize("variant", range(8))
def test_a_turned_train_mask_is_a_copy(variant: int) -> None:
    rng = np.random.default_rng(0)
    train = [shards.mask(rng) for _ in range(3)]
    copy = turn(torch.from_numpy(train[1]), variant).numpy()
    assert validity.nearest([np.ascontiguousarray(copy)], train, 3).tolist() == [1]


def test_masks_are_compared_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, most, plain = np.random.default_rng(0), list[int](), validity.cells
    made, train = ([shards.mask(rng) for _ in range(n)] for n in (5, 7))
    whole = validity.nearest(made, train, 3)
    monkeypatch.setattr(validity, "CHUNK", 2)
    monkeypatch.setattr(validity, "cells", lambda m, k: most.append(len(m)) or plain(m, k))
    assert validity.nearest(made, train, 3).tolist() == whole.tolist()
    assert max(most) == 2


def test_cells_of_cells_are_the_same() -> None:
    masks = [np.arange(48 * 80, dtype=np.int64).reshape(48, 80).astype(np.uint8) % np.uint8(3)]
    small = [reduced(m) for m in masks]
    assert small[0].shape == (32, 32)
    assert torch.equal(validity.cells(small, 3), validity.cells(masks, 3))


def test_a_new_mask_is_no_copy() -> None:
    rng = np.random.default_rng(0)
    train = [shards.mask(rng) for _ in range(3)]
    assert validity.nearest([shards.mask(np.random.default_rng(9))], train, 3)[0] < 0.8


class Colours(nn.Module):
    """Mean colours as features."""

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.float().mean((2, 3))


def test_the_row_names_copies_and_distances() -> None:
    rng = np.random.default_rng(0)
    train, real = ([shards.mask(rng) for _ in range(6)] for _ in range(2))
    measure = validity.Validity(shards.dataset(), Colours(), real, train, 4)
    row = measure.row("x", train[:3] + real[:1], known=False)
    assert (row["variant"], row["copies"], row["n"], row["n_reference"]) == ("x", 0.75, 4, 6)
    assert list(row) == [
        "variant", "adjacency", "regions", "boundary", "specks", "joined", "fid", "kid", "nearest", "copies",
        "n", "n_reference",
    ]  # fmt: skip
    assert np.isnan(measure.row("train", train, known=True)["copies"])  # type: ignore[arg-type]


def test_masks_of_one_class_are_no_copies() -> None:
    rng, flat = np.random.default_rng(0), np.zeros((32, 32), np.uint8)
    train, real = ([shards.mask(rng) for _ in range(4)] for _ in range(2))
    edge = flat.copy()
    edge[0] = IGNORE
    measure = validity.Validity(shards.dataset(), Colours(), real, [*train, flat], 4)
    assert measure.row("x", [flat, edge, train[0], real[0]], known=False)["copies"] == 0.5
    assert np.isnan(measure.likeness([flat, edge])["copies"])


def test_held_out_masks_say_how_many_copies_are_usual() -> None:
    rng = np.random.default_rng(0)
    train, real = ([shards.mask(rng) for _ in range(4)] for _ in range(2))
    measure = validity.Validity(shards.dataset(), Colours(), [*real, train[0]], train, 4)
    known, held_out = measure.real_rows(train[:3])
    assert list(known) == list(held_out)
    assert (known["variant"], known["n"]) == ("real train masks", 3)
    assert (held_out["variant"], held_out["n"], held_out["copies"]) == ("real test masks", 5, 0.2)
    assert np.isnan(held_out["fid"])  # type: ignore[arg-type]


def test_spread_takes_evenly() -> None:
    masks = [np.full((2, 2), i, np.uint8) for i in range(9)]
    assert [int(m[0, 0]) for m in spread(masks, 3)] == [0, 4, 8]
    assert len(spread(masks, 99)) == 9
