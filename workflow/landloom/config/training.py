"""What every training section has in common."""

from typing import Literal, Self

from pydantic import Field, model_validator

from landloom.config.section import Section


class Training(Section):
    """Settings of the training loop."""

    steps: int = Field(default=1000, ge=1)
    """Optimiser steps."""
    batch: int = Field(default=8, ge=1)
    """Samples in one step, over all processes."""
    lr: float = Field(default=1e-4, gt=0)
    """Peak learning rate of AdamW; warm-up, then cosine to a tenth."""
    warmup: int = Field(default=50, ge=0)
    """Steps of linear warm-up."""
    weight_decay: float = Field(default=0.01, ge=0)
    """AdamW weight decay."""
    clip: float = Field(default=1.0, gt=0)
    """Largest gradient norm."""
    optimizer: Literal["adamw", "adamw_8bit"] = "adamw"
    """'adamw_8bit' keeps AdamW's moments in 2 bytes a weight, not 8, for small GPUs; needs landloom[8bit]."""
    ema: float = Field(default=0.0, ge=0, lt=1)
    """Decay of the moving average of weights, and batch norm's statistics, saved in their place; 0 is off."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the forward pass; bf16 pays on GPUs."""
    compile: bool = False
    """Use torch.compile (pays on long GPU runs)."""


class Parallel(Section):
    """How many processes and threads train together."""

    processes: int = Field(default=1, ge=1)
    """Processes that share each batch, one per GPU. More of them draw other random numbers."""
    threads: int = Field(default=2, ge=1)
    """CPU threads of each process, however many cores there are: another number changes the last bits."""

    @property
    def cpus(self) -> int:
        """Those of all processes."""
        return self.threads * self.processes

    @property
    def gpus(self) -> int:
        """One per process."""
        return self.processes

    @model_validator(mode="after")
    def _shared(self) -> Self:
        sections = [self, *(v for _, v in self)]
        wrong = [s.batch for s in sections if isinstance(s, Training) and s.batch % self.processes]
        if wrong:
            raise ValueError(f"a batch of {wrong[0]} cannot be shared by {self.processes} processes")
        return self


class Denoising(Training):
    """Settings of a denoiser's training."""

    caption_dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of texts replaced by the empty one, for classifier-free guidance."""
    min_snr: float = Field(default=5.0, ge=0)
    """Gamma of the loss weights by signal-to-noise ratio; 0 is off.

    Those of Hang et al. 2023 where noise is predicted; where v is, a variant that does not vanish without
    signal: min(SNR + 1, gamma) / (SNR + 1). There are none in flow matching (Stable Diffusion 3), where steps
    are drawn by a logit-normal law instead.
    """
