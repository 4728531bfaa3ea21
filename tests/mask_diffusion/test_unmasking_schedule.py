from itertools import pairwise

import pytest
import torch

from landloom.mask_diffusion import unmasking_schedule


def test_the_smallest_matrix_by_hand() -> None:
    assert unmasking_schedule.bayer(2, 2).tolist() == [[0, 2], [3, 1]]


@pytest.mark.parametrize("size", [4, 8, 12, 33])
def test_every_pixel_has_its_own_rank(size: int) -> None:
    assert sorted(unmasking_schedule.bayer(size, size).flatten().tolist()) == list(range(size**2))


@pytest.mark.parametrize("cell", [2, 4, 8])
def test_the_first_pixels_are_one_per_cell(cell: int) -> None:
    first = unmasking_schedule.bayer(32, 32) < (32 // cell) ** 2
    assert (torch.nn.functional.avg_pool2d(first[None].float(), cell) * cell**2 == 1).all()


def test_an_order_follows_its_generator() -> None:
    a, b, c = (unmasking_schedule.draw(16, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert sorted(a.flatten().tolist()) == list(range(256))


@pytest.mark.parametrize(("steps", "pixels"), [(1, 9), (5, 16), (20, 1024), (100, 16)])
def test_counts_grow_to_all_pixels(steps: int, pixels: int) -> None:
    found = unmasking_schedule.counts(steps, pixels)
    assert (found[0], found[-1]) == (0, pixels)
    assert all(a < b for a, b in pairwise(found))
    assert len(found) <= steps + 1


def test_training_practises_every_step_equally_often() -> None:
    torch.manual_seed(0)
    found = unmasking_schedule.draw_counts(20000, 255)
    assert 0 <= int(found.min()) <= int(found.max()) < 255
    octaves = torch.histc((found + 1).float().log2(), bins=8, min=0, max=8) / 20000
    assert octaves.tolist() == pytest.approx([1 / 8] * 8, abs=0.02)
