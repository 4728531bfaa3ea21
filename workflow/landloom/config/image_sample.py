"""``image_sample``: images for the generated masks."""

from typing import Literal

from pydantic import Field

from landloom.config.label_sample import Sampling


class ImageSampleConfig(Sampling):
    """Settings of image generation."""

    source: Literal["controlnet", "real"] = "controlnet"
    """'controlnet' makes new images; 'real' keeps the image of a real mask (random oversampling)."""
    control: float = Field(default=1.0, ge=0)
    """Strength of the mask's influence."""
