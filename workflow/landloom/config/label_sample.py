"""``label_sample``: masks for the planned class mixes."""

from typing import Literal

from pydantic import Field

from landloom.config.section import Section


class Sampling(Section):
    """Settings of a sampler."""

    steps: int = Field(default=20, ge=1)
    """Denoising steps of UniPC (Zhao et al. 2023)."""
    guidance: float = Field(default=3.0, ge=1)
    """Classifier-free guidance scale; 1 is off."""
    batch: int = Field(default=16, ge=1)
    """Samples made at once."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the sampler."""


class LabelSampleConfig(Sampling):
    """Settings of mask generation."""

    source: Literal["lora", "real"] = "lora"
    """'lora' samples new masks; 'real' takes the real training mask nearest to the asked mix."""
    smooth: int = Field(default=0, ge=0)
    """Regions smaller than this many pixels take their neighbours' class; 0 keeps them."""
