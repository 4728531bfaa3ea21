"""``label_train``: text to mask, by LoRA with a proportion-aware loss."""

from typing import Literal

from pydantic import Field

from landloom.config.section import Section
from landloom.config.training import Denoising, Parallel


class ProportionLoss(Section):
    """The proportion-aware term: lambda * w(t) * distance(p_hat, p)."""

    weight: float = Field(default=0.1, ge=0)
    """Lambda; 0 switches the term off."""
    route: Literal["probe", "decode"] = "probe"
    """How proportions are read from a latent: a frozen latent probe, or the frozen VAE decoder."""
    distance: Literal["l1", "mse", "kl"] = "l1"
    """Distance between predicted and true proportions; L1 is the training twin of mCPE."""
    timesteps: Literal["alpha_bar", "uniform"] = "alpha_bar"
    """w(t): the signal share of the noisy latent, or 1."""
    temperature: float = Field(default=0.08, gt=0)
    """Softness of the colour assignment on the 'decode' route (squared distance over this)."""
    probe_steps: int = Field(default=400, ge=1)
    """Steps to fit the probe."""


class LabelTrainConfig(Denoising, Parallel):
    """Settings of the label generator's training."""

    rank: int = Field(default=16, ge=1)
    """Rank of the LoRA matrices."""
    alpha: int | None = None
    """LoRA scale times rank; the rank when absent."""
    targets: list[str] = ["to_q", "to_k", "to_v", "to_out.0"]
    """Layers of the denoiser that get LoRA matrices."""
    proportion: ProportionLoss = ProportionLoss()
    """Proportion-aware loss."""
