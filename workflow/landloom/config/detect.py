"""``detect``: the detectors that judge whether synthetic samples help to find objects."""

from typing import Literal, Self

from pydantic import Field, model_validator

from landloom.config.section import Section, Seed
from landloom.config.training import Parallel, Training


class Detector(Section):
    """A centre-point detector: an encoder, a pyramid over its levels, and heads at a quarter of the size."""

    encoder: str = "resnet18"
    """Encoder, as segmentation-models-pytorch names it."""
    weights: str | None = None
    """Pretrained encoder weights, as in segment.networks: none, 'package' for the encoder
    tu-tf_efficientnet_lite0, a .safetensors file, or words of segmentation-models-pytorch."""
    width: int = Field(default=64, ge=8)
    """Channels of the pyramid and of the heads."""


class DetectConfig(Training, Parallel):
    """Settings of the detectors' trainings; every run takes the same number of steps."""

    threads: int = Field(default=1, ge=1)
    steps: int = Field(default=3000, ge=1)
    lr: float = Field(default=1e-3, gt=0)
    networks: dict[str, Detector] = {}
    """Detectors to train on each mix, by a name of your choice, such as {centre: {}}; none by default."""
    seeds: list[Seed] = Field(default=[0, 1, 2], min_length=1)
    """Seeds; each detector is trained once per seed and mix."""
    kind: Literal["rotated", "horizontal"] | None = None
    """'rotated' boxes are found with their angle and scored as polygons. 'horizontal' ones are level: the
    boxes around the corners, if those stand at an angle. Absent, as data.objects.kind."""
    augment: Literal["none", "flip", "d4"] = "d4"
    """Random mirrors and turns."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: a seed is given twice")
        return self
