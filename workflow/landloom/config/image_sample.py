"""``image_sample``: images for the generated masks."""

from typing import Literal

from pydantic import Field

from landloom.config.label_sample import Sampling
from landloom.config.section import Section


class Feedback(Section):
    """A segmentation network's say in the first sampling steps."""

    weight: float = Field(default=0.0, ge=0)
    """Length of the correction, relative to the predicted latent; 0 is off."""
    share: float = Field(default=0.5, gt=0, le=1)
    """Share of the steps, from the first, that are corrected."""


class ImageSampleConfig(Sampling):
    """Settings of image generation."""

    source: Literal["model", "real"] = "model"
    """'model' makes new images; 'real' keeps the image of a real mask (random oversampling)."""
    solver: Literal["unipc", "dpm++"] = "unipc"
    """Few-step solver: UniPC (Zhao et al. 2023), or DPM-Solver++ 2M (Lu et al. 2022)."""
    control: float = Field(default=1.0, ge=0)
    """Strength of the mask's influence."""
    twins: int = Field(default=8, ge=0)
    """Masks of a shard that get a second image from another seed, to measure diversity."""
    feedback: Feedback = Feedback()
    """Feedback of the judge of curate, for ControlNets."""
