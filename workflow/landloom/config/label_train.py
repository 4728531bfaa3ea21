"""``label_train``: class mix to mask, by LoRA with a proportion-aware loss or by categorical diffusion."""

from typing import Literal, Self

from pydantic import Field, model_validator

from landloom.config.metadata import MetadataConfig
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
    probe_steps: int = Field(default=400, ge=0)
    """Steps to fit the latent probe, which guidance while sampling needs too; 0 leaves it out."""

    @model_validator(mode="after")
    def _probe(self) -> Self:
        if self.weight and self.route == "probe" and not self.probe_steps:
            raise ValueError("route 'probe' needs probe_steps above 0")
        return self


class VectorConfig(Section):
    """The class mix as numbers, beside or instead of words."""

    tokens: int = Field(default=0, ge=0)
    """Tokens that carry the ratios to the denoiser of the 'lora' back-end; 0 leaves it with words alone. A
    base of Stable Diffusion 3 cannot take them."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of training masks without any ratio, for guidance."""
    partial: float = Field(default=0.3, ge=0, lt=1)
    """Share of training masks of which only some ratios are told, for requests that name only some."""


PATCH = 4
"""Side of the blocks of pixels that a 'categorical' network works on."""


class CategoricalConfig(Section):
    """The 'categorical' back-end."""

    channels: tuple[int, ...] = (64, 96, 128)
    """Width per level of the network; multiples of 32. tile.size must be a multiple of 4, times 2 for each
    level but the first."""

    @model_validator(mode="after")
    def _width(self) -> Self:
        if wrong := [c for c in self.channels if c % 32]:
            raise ValueError(f"channels {wrong} cannot be divided by 32")
        return self


class LabelTrainConfig(Denoising, Parallel):
    """Settings of the label generator's training."""

    backend: Literal["lora", "categorical"] = "lora"
    """'lora' adapts the base to prompts, as in the paper; 'categorical' diffuses class indices, no base."""
    rank: int = Field(default=16, ge=1)
    """Rank of the LoRA matrices."""
    alpha: int | None = None
    """LoRA scale times rank; the rank when absent."""
    targets: list[str] = ["to_q", "to_k", "to_v", "to_out.0"]
    """Layers of the denoiser that get LoRA matrices."""
    proportion: ProportionLoss = ProportionLoss()
    """Proportion-aware loss."""
    vector: VectorConfig = VectorConfig()
    """Ratio vector."""
    metadata: MetadataConfig | None = None
    """Tell a LoRA when, where and how a tile was taken; off when absent, on with {}. The 'categorical'
    back-end does not read it."""
    categorical: CategoricalConfig = CategoricalConfig()
    """The 'categorical' back-end; steps, batch, lr, ... are those of this section."""
