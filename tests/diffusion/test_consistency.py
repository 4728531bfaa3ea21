from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from landloom.diffusion.consistency import CoarseConsistency
from landloom.diffusion.sampling import one_after_another


class Doubled:
    """An autoencoder whose latents are twice the image, and whose decoder also adds a constant."""

    vae = SimpleNamespace(dtype=torch.float32)

    def decode(self, latents: Tensor) -> Tensor:
        return latents / 2 + 0.1

    def encode(self, image: Tensor) -> Tensor:
        return image * 2


def told(means: Tensor) -> Tensor:
    return torch.cat([means, torch.ones_like(means[:, :1])], 1)


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_latents_go_the_asked_share_of_the_way(weight: float) -> None:
    model: Any = Doubled()
    latents, means = torch.randn(2, 3, 8, 8), torch.rand(2, 3, 2, 2)
    before, after = (
        F.avg_pool2d(model.decode(x), 4)
        for x in (latents, CoarseConsistency(model, told(means), weight)(latents, 0))
    )
    assert torch.allclose(after, before + weight * (means - before), atol=1e-5)


def test_details_and_unknown_blocks_stay() -> None:
    model: Any = Doubled()
    latents, given = torch.randn(1, 3, 8, 8), told(torch.rand(1, 3, 2, 2))
    given[:, -1, 0, 1] = 0.5
    moved = CoarseConsistency(model, given, 1)(latents, 0)
    assert torch.allclose(moved[:, :, :4, 4:], latents[:, :, :4, 4:], atol=1e-6)
    difference = (moved - latents)[:, :, 4:, 4:]
    assert difference.abs().min() > 0
    assert difference.flatten(2).std(-1).max() < 1e-5


def test_steerings_follow_each_other() -> None:
    both = one_after_another([lambda x, n: x + n, lambda x, n: x * 2])
    assert both(torch.ones(1), 3).item() == 8
