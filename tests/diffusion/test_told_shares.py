"""A tiny denoiser trained with ratio tokens on latents of two halves, whose border varies."""

from pathlib import Path

import torch

from landloom.conditions import vector
from landloom.conditions.vector import VectorTokens
from landloom.config.label_sample import Sampling
from landloom.config.label_train import LabelTrainConfig, VectorConfig
from landloom.diffusion.bundle import Bundle
from landloom.diffusion.cache import LatentCache
from landloom.diffusion.denoising import LabelObjective
from landloom.diffusion.sampling import sample
from landloom.training.loop import train
from tests import bases
from tests.bases import EVERY_STEP

SIDE, COUNT = 8, 64


def halves(model: Bundle) -> LatentCache:
    """Latents of 1 left of a border and -1 right of it; all have the same words."""
    border = torch.arange(COUNT) % (SIDE - 1) + 1
    left = (torch.arange(SIDE) < border[:, None])[:, None].expand(COUNT, SIDE, SIDE)
    latents = (2 * left.float() - 1)[:, None, None].expand(COUNT, 1, 4, SIDE, SIDE).contiguous()
    share, row = border / SIDE, torch.ones(COUNT).long()
    return LatentCache(
        images=latents, masks=latents, labels=left.to(torch.uint8),
        ratios=torch.stack([share, 1 - share], 1), captions=row, prompts=row,
        text=model.embed(["", "map"])[:, :4].detach().clone(), ids=[str(i) for i in range(COUNT)],
    )  # fmt: skip


def test_twice_the_share_told_is_about_twice_the_share_drawn(tmp_path: Path) -> None:
    """All weights learn here: adapters cannot teach an untrained base in seconds."""
    model = bases.bundle()
    model.unet.requires_grad_(True)
    cache, tokens = halves(model), VectorTokens(2, 2, 32)
    config = LabelTrainConfig(steps=160, batch=16, lr=5e-3, warmup=10)
    made = LabelObjective(model.unet, model.scheduler, cache, config, None, 0.0, tokens, VectorConfig())
    train(made, config, EVERY_STEP, 0, tmp_path, "test")

    def drawn(share: float) -> float:
        told = vector.encode(torch.tensor([[share, 1 - share]] * 8), torch.ones(8, 2, dtype=torch.bool))
        text = tokens(cache.text[1].expand(8, -1, -1), told)
        empty = tokens(cache.text[:1], torch.zeros_like(told[:1]))[0]
        found = sample(model, text, empty, list(range(8)), Sampling(steps=8, guidance=1.5), SIDE)
        return float((found.mean(1) > 0).float().mean())

    with torch.no_grad():
        assert drawn(0.8) > 1.5 * drawn(0.4) > 0.3
