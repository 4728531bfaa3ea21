"""``image_sample``: images for the generated masks."""

from typing import Annotated, Literal, Self

from pydantic import Field

from landloom.config.label_sample import Sampling
from landloom.config.section import Section

Scale = Annotated[float, Field(ge=1)]


class Feedback(Section):
    """A segmentation network's say in the first sampling steps."""

    weight: float = Field(default=0.0, ge=0)
    """Length of the correction, relative to the predicted latent; 0 is off."""
    share: float = Field(default=0.5, gt=0, le=1)
    """Share of the steps, from the first, that are corrected."""


class CollageConfig(Section):
    """Pieces of real train tiles, put together so that each pixel shows the class of the mask."""

    source: Literal["others", "own"] = "others"
    """'others' chooses pieces from all train tiles that share no ground with the mask; 'own' takes the image
    that the mask brings, as quilted masks do."""
    strength: float = Field(default=1.0, gt=0, le=1)
    """Noise on the collage that a ControlNet starts from, as a share of the schedule (SDEdit, Meng et al.
    2022): at 1 nothing of it is left, and none is made. Only that share of the steps is taken, rounded down
    to whole ones; a single step is taken from there."""
    candidates: int = Field(default=4096, ge=1)
    """Turned tiles that the pieces of an image are chosen from, drawn at random; a quarter of all at most."""
    pieces: int = Field(default=8, ge=1)
    """Tiles that an image is pieced together from at most, besides one for each class."""
    share: float = Field(default=0.75, gt=0, le=1)
    """Largest share of an image that one tile shall give; one that would give more is cut along a line."""


class ImageSampleConfig(Sampling):
    """Settings of image generation."""

    source: Literal["model", "real", "collage"] = "model"
    """'model' makes new images; 'real' keeps the image of a real or predicted mask (random oversampling,
    pseudo-labels); 'collage' cuts them from real tiles (copy and paste), without any model."""
    guidance: Scale | dict[str, Scale] = 3.0
    """Classifier-free guidance scale of the caption, or of several conditions by name, such as
    {text: 3, metadata: 1.5}; 1 is off."""
    collage: CollageConfig = CollageConfig()
    """Real tiles to start from, for ControlNets, or to cut images from."""
    solver: Literal["unipc", "dpm++"] = "unipc"
    """Few-step solver: UniPC (Zhao et al. 2023), or DPM-Solver++ 2M (Lu et al. 2022)."""
    control: float = Field(default=1.0, ge=0)
    """Strength of the mask's influence."""
    resamples: int = Field(default=8, ge=0)
    """Masks of a shard that get a second image from another seed, to measure diversity."""
    feedback: Feedback = Feedback()
    """Feedback of the judge of curate, for ControlNets."""
    consistency: float = Field(default=0.0, ge=0, le=1)
    """How far each step goes towards a clean image whose blocks have the means of the coarse image; above 0,
    those of the finished image have them, too. For generators that learned low_resolution; 0 is off."""

    def read(self) -> Self:
        """The same, with defaults where nothing is read: a change there must not sample again."""
        if self.source == "real":
            return type(self)(source="real")
        if self.source == "collage":
            cut = self.collage.model_copy(update={"strength": 1.0})
            return type(self)(source="collage", collage=cut, resamples=self.resamples)
        return self if self.cuts else self.model_copy(update={"collage": CollageConfig()})

    @property
    def scales(self) -> dict[str, float]:
        """Guidance scale by name of the condition; 1 is off."""
        return self.guidance if isinstance(self.guidance, dict) else {"text": self.guidance}

    @property
    def cuts(self) -> bool:
        """Whether images are, or start from, pieces of real tiles."""
        return self.source == "collage" or (self.source == "model" and self.collage.strength < 1)

    @property
    def gpus(self) -> int:
        """One, if there is a model to ask."""
        return int(self.source == "model")
