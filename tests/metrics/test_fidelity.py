import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landloom.metrics import extractors, fidelity


class Blocks(nn.Module):
    """Features that blur destroys: means and differences of coarse pixels."""

    num_features = 12

    def forward(self, x: Tensor) -> Tensor:
        x = x.float() / 255
        fine = (x - nn.functional.avg_pool2d(x, 3, 1, 1)).abs()
        return torch.cat([nn.functional.adaptive_avg_pool2d(v, (2, 1)).flatten(1) for v in (x, fine)], 1)


def pictures(count: int, seed: int, blur: int = 1) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).integers(0, 256, (count, 16, 16, 3)).astype(np.float32)
    x = torch.from_numpy(noise).movedim(-1, 1)
    x = nn.functional.avg_pool2d(x, blur, 1, blur // 2)
    return x.movedim(1, -1).to(torch.uint8).numpy()


def compare(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> fidelity.Fidelity:
    extractor = Blocks()
    return fidelity.compare(
        extractors.features(extractor, list(a), 7), extractors.features(extractor, list(b), 7)
    )


def test_identical_sets_are_at_distance_zero() -> None:
    got = compare(pictures(20, 0), pictures(20, 0))
    assert got.fid == pytest.approx(0, abs=1e-4)
    assert got.kid is not None
    assert got.kid <= 1e-3
    assert (got.n, got.n_reference) == (20, 20)


def test_blur_increases_both() -> None:
    real = pictures(60, 0)
    found = [compare(real, pictures(60, 1, blur)) for blur in (1, 3, 5)]
    fids, kids = [f.fid or 0 for f in found], [f.kid or 0 for f in found]
    assert fids == sorted(fids)
    assert kids == sorted(kids)
    assert fids[2] > 2 * fids[0]


def test_same_input_same_numbers_and_global_random_state_untouched() -> None:
    a, b = pictures(60, 0), pictures(70, 1)
    torch.manual_seed(1)
    first = compare(a, b)
    state = torch.get_rng_state()
    assert compare(a, b) == first
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_pictures_give_none(count: int) -> None:
    got = compare(pictures(5, 0), pictures(count, 1))
    assert got == fidelity.Fidelity(None, None, count, 5)
