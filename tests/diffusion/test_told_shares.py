"""A tiny denoiser trained with ratio tokens on latents of two halves, whose border varies."""

from pathlib import Path

import torch

from landloom.conditions.ratios import Ratios, VectorTokens, encode
from landloom.config.label_train import LabelTrainConfig
from landloom.diffusion.latent_cache import LatentCache
from landloom.diffusion.objective import DenoisingObjective
from landloom.diffusion.sampling import guidance, sample
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.training.loop import train
from tests import bases
from tests.bases import LOGGED

SIDE, COUNT = 8, 64


def halves(model: StableDiffusion) -> LatentCache:
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
    cache, own = halves(model), Ratios(VectorTokens(2, 2, 32), 2, 0.1, 0.3)
    config = LabelTrainConfig(steps=160, batch=16, lr=5e-3, warmup=10)
    told = bases.denoiser(model, own, words=cache.text, column="prompt")
    made = DenoisingObjective(told, model.scheduler, cache.masks, cache.columns, config.min_snr)
    train(made, config, LOGGED, 0, tmp_path, "test")

    def drawn(share: float) -> float:
        ratios = encode(torch.tensor([[share, 1 - share]] * 8), torch.ones(8, 2, dtype=torch.bool))
        given = {"text": cache.text[1].expand(8, -1, -1), "ratios": ratios}
        guides = guidance(told.conditions, "text", 1.5, "guidance")
        found = sample(told, model.scheduler, given, list(range(8)), 8, SIDE, guides)
        return float((found.mean(1) > 0).float().mean())

    assert drawn(0.8) > 1.5 * drawn(0.4) > 0.3
