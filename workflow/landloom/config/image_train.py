"""``image_train``: mask and caption to image, by ControlNet on a frozen base, or by a baseline alone."""

from typing import Literal, Self

from pydantic import Field, model_validator

from landloom.config.boxes import BoxesConfig
from landloom.config.dates import DatesConfig
from landloom.config.edges import EdgesConfig
from landloom.config.embedding import EmbeddingConfig
from landloom.config.known_pixels import KnownPixelsConfig
from landloom.config.low_resolution import LowResolutionConfig
from landloom.config.map import MapConfig
from landloom.config.metadata import MetadataConfig
from landloom.config.section import Section
from landloom.config.training import Denoising, Parallel

SMALLEST = 24
"""Side in pixels of the smallest tile that the discriminators of the baselines can take."""


class TranslationConfig(Section):
    """Networks of the baselines, which need no base."""

    width: int = Field(default=32, ge=4)
    """Channels at full size, of generator and discriminator; they double per level, up to eight times."""
    levels: int = Field(default=5, ge=2)
    """How often the generator halves the tile; its side must be divisible by 2 to this power."""
    augment: Literal["none", "flip", "d4"] = "d4"
    """Turned and mirrored copies for training."""


class Pix2PixConfig(TranslationConfig):
    """Pix2Pix (Isola et al. 2017): each mask with its image."""

    l1: float = Field(default=100.0, gt=0)
    """Weight of the L1 distance against the adversarial loss."""


class CycleGanConfig(TranslationConfig):
    """CycleGAN (Zhu et al. 2017): masks and images drawn apart."""

    cycle: float = Field(default=10.0, gt=0)
    """Weight of the L1 distance after a way there and back, against the adversarial losses."""


class OneStepConfig(Section):
    """Adversarial training of a ControlNet that makes an image in one sampling step."""

    strength: float = Field(default=1.0, gt=0, le=1)
    """Noise to begin with, as a share of the schedule: all, or as much as image_sample.collage.strength."""
    l1: float = Field(default=5.0, gt=0)
    """Weight of the L1 distance of latents against the adversarial loss."""
    width: int = Field(default=48, ge=4)
    """Channels of the discriminator's first layer; they double per layer."""
    layers: int = Field(default=2, ge=1)
    """Layers of the discriminator that halve the latent; each more widens what it sees."""

    @property
    def smallest(self) -> int:
        """Side of the smallest latent that the discriminator can take."""
        return int(3 * 2**self.layers)


class ImageTrainConfig(Denoising, Parallel):
    """Settings of the image generator's training."""

    backend: Literal["controlnet", "pix2pix", "cyclegan"] = "controlnet"
    """'controlnet' on the base, or 'pix2pix' or 'cyclegan', baselines that read neither base nor captions."""
    objective: Literal["denoise", "one_step"] = "denoise"
    """What a ControlNet learns: to take noise away bit by bit, or to make the image in a single step, against
    a discriminator of latents, which needs far fewer samples. The second goes with image_sample.steps: 1
    and guidance: 1."""
    one_step: OneStepConfig = OneStepConfig()
    """Only for the objective 'one_step'."""
    channels: tuple[int, ...] | None = None
    """Channels of the mask's stem, one more than the VAE halves its images; fitted to it when absent. Stable
    Diffusion 3 has no such stem: masks enter through its VAE."""
    start: str | None = None
    """Folder of a trained ControlNet to begin from, such as results/<dataset>/<generator>/image. What it is
    told stays; a condition that is new, such as low_resolution, begins at zero."""
    init: Literal["zero", "small"] = "zero"
    """ControlNet's outgoing layers start at zero, or as small noise: the mask then has an effect at once."""
    unlock: bool = False
    """Train the base's own decoder too, and save it beside the ControlNet; not with Stable Diffusion 3."""
    lora: int = Field(default=0, ge=0)
    """Rank of LoRA matrices on the base's attention that learn the images along; 0 leaves them out."""
    coarse: float = Field(default=0.0, ge=0, le=1)
    """Share of training masks that are shown in blocks: generated masks are rougher than real ones."""
    coarse_block: int = Field(default=4, ge=2)
    """Side of these blocks in pixels."""
    metadata: MetadataConfig | None = None
    """Tell a ControlNet when, where and how an image was taken; off when absent, on with {}."""
    low_resolution: LowResolutionConfig | None = None
    """Tell a ControlNet a coarse image; off when absent, on with {}. Needs encode.low_resolution."""
    edges: EdgesConfig | None = None
    """Tell a ControlNet the edges of an image; off when absent, on with {}. Needs encode.edges."""
    known_pixels: KnownPixelsConfig | None = None
    """Tell a ControlNet pixels that its images shall keep (in-painting); off when absent, on with {}. Needs
    encode.known_pixels."""
    dates: DatesConfig | None = None
    """Tell a ControlNet the same place at other days; off when absent, on with {}. Needs encode.dates."""
    map: MapConfig | None = None
    """Tell a ControlNet the map of the ground; off when absent, on with {}. Needs data.map and encode.map."""
    boxes: BoxesConfig | None = None
    """Tell a ControlNet the boxes of objects; off when absent, on with {}. Needs data.objects and
    encode.boxes."""
    embedding: EmbeddingConfig | None = None
    """Tell a ControlNet what a network sees in an image, for variations of it; off when absent, on with {}.
    Needs encode.embedding."""
    pix2pix: Pix2PixConfig = Pix2PixConfig()
    """Only for 'pix2pix'."""
    cyclegan: CycleGanConfig = CycleGanConfig()
    """Only for 'cyclegan'."""

    @property
    def translation(self) -> TranslationConfig | None:
        """Networks of the baseline; None for a ControlNet."""
        return {"pix2pix": self.pix2pix, "cyclegan": self.cyclegan}.get(self.backend)

    def read(self) -> Self:
        """The same, with defaults for what the back-end never reads: no change of it may train it again."""
        unread = {"pix2pix", "cyclegan"} - {self.backend}
        if self.backend != "controlnet":
            unread |= {"objective", "one_step", "metadata", "low_resolution", "edges", "known_pixels"}
            unread |= {"start", "dates", "map", "boxes", "embedding"}
        elif self.objective != "one_step":
            unread |= {"one_step"}
        fresh = type(self)()
        return self.model_copy(update={k: getattr(fresh, k) for k in unread})

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.unlock and self.lora:
            raise ValueError("unlock and lora both change the decoder; set one of them")
        return self
