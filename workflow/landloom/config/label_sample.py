"""``label_sample``: masks for the planned class mixes."""

from typing import Annotated, Literal, Self

from pydantic import Field

from landloom.config.metadata import MetadataWish
from landloom.config.section import NetworkSection, Section


class Sampling(NetworkSection):
    """Settings of a sampler."""

    steps: int = Field(default=20, ge=1)
    """Sampling steps: of UniPC (Zhao et al. 2023) for latents, of unmasking for 'categorical' masks."""
    batch: int = Field(default=16, ge=1)
    """Samples made at once. Fewer are filled up to as many, since the shape of a batch changes last bits."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the sampler."""


class Control(Section):
    """Levers that bring the class mix to what was asked for; each has its own switch."""

    histogram: bool = True
    """Bias class logits in each step so that the expected mix is the one asked for ('categorical')."""
    latent: float = Field(default=0.0, ge=0)
    """Step size of guidance through the latent probe ('lora'); 0 is off."""
    tries: int = Field(default=1, ge=1)
    """Masks drawn per request at most; the one nearest to the request is kept."""
    tolerance: float = Field(default=1.0, ge=0)
    """Error in points (mean over the named classes) that is near enough to stop trying."""
    reject_above: float | None = Field(default=None, ge=0)
    """Error in points above which a mask is marked as rejected, with the reason."""
    repair: bool = False
    """Give border pixels of classes that are too large to neighbours that are too small; at
    most a twentieth of all pixels changes."""


class PredictedConfig(Section):
    """Pseudo-labels: masks that the judge of curate predicts of unlabelled tiles."""

    threshold: float = Field(default=0.9, ge=0, le=1)
    """Probability of its class below which a pixel is ignored."""
    tiles: int = Field(default=4096, ge=1)
    """Unlabelled tiles to choose from at most, evenly spread; the job of each shard predicts them all."""


class RepaintConfig(Section):
    """Holes in real tiles, which the image generator paints."""

    margin: int = Field(default=4, ge=0)
    """Pixels around the edited regions that are painted anew, too, so that the new can meet the old."""
    most: float = Field(default=0.5, gt=0, le=0.9)
    """Largest share of a tile that is painted anew."""


class LayoutConfig(Section):
    """Boxes of objects of tiles that do not exist."""

    boost: dict[str, Annotated[float, Field(ge=0)]] = {}
    """How many times as many objects of a class a tile shall hold as the real one that it begins with, such
    as {ship: 3}; others match. A fraction is rounded up or down by chance."""
    overlap: float = Field(default=0.1, ge=0, le=1)
    """Largest intersection over union of two objects, where real ones do not overlap more."""


class LabelSampleConfig(Sampling):
    """Settings of mask generation."""

    source: Literal["model", "quilt", "paste", "repaint", "real", "predicted", "layout"] = "model"
    """'model' samples new masks. 'quilt' lays parts of turned real training masks side by side, cut where
    they fit (image quilting, Efros and Freeman 2001), so that they have the asked mix: no training, and the
    shapes of real maps. To compare with: 'paste' copies regions of lacking classes onto a real tile (copy and
    paste, Ghiasi et al. 2021), 'real' takes the real training mask nearest to the asked mix, and 'predicted'
    the nearest one that a network predicts of an unlabelled tile (pseudo-labels). All these but 'model' bring
    an image with them. 'repaint' puts regions of lacking classes into the mask of a real tile, and the image
    generator paints them: it must have learned known pixels (image_train.known_pixels), and all else stays
    the real image, bit for bit. 'layout' places boxes of objects instead: those of a real train tile that has
    some, turned together, each moved a little, and as many more as ``layout.boost`` asks for. Their masks are
    painted from them, so data.masks must be left out. The plan says how many tiles, with which words and
    seeds; its class mixes are not followed."""
    looks: Literal["own", "any"] = "own"
    """With 'any', the image of a quilt or a pasted mask takes on the colours (mean and spread of each band)
    of a scene drawn at random, unlabelled ones among them."""
    predicted: PredictedConfig = PredictedConfig()
    """Only for the source 'predicted'."""
    repaint: RepaintConfig = RepaintConfig()
    """Only for the source 'repaint', which reads of the levers below tries, tolerance and reject_above."""
    layout: LayoutConfig = LayoutConfig()
    """Only for the source 'layout'."""
    guidance: float = Field(default=3.0, ge=1)
    """Classifier-free guidance scale of the words; 1 is off."""
    metadata: MetadataWish = MetadataWish()
    """What masks, and later images, are told by generators that learned metadata. Real tiles whose masks are
    taken have their own, but for the fields that are given here."""
    vector_guidance: float = Field(default=1.0, ge=0)
    """Guidance scale of the ratio vector; 1 is off."""
    temperature: float = Field(default=0.5, gt=0)
    """Temperature of the last details of a 'categorical' mask; layouts are drawn at 1."""
    refine: int = Field(default=4, ge=0)
    """Rounds in which most pixels of a 'categorical' mask are drawn again from the rest, against specks."""
    control: Control = Control()
    """Ratio control."""
    smooth: int = Field(default=0, ge=0)
    """Regions smaller than this many pixels take their neighbours' class; 0 keeps them."""

    def read(self) -> Self:
        """The same, with defaults where nothing is read: a change there must not sample again."""
        if self.source == "real":
            return type(self)(source="real", metadata=self.metadata)
        if self.source == "predicted":
            return type(self)(source="predicted", predicted=self.predicted, metadata=self.metadata)
        if self.source == "layout":
            return type(self)(source="layout", layout=self.layout, metadata=self.metadata)
        if self.source == "repaint":  # whatever moved a border would leave real pixels with a wrong class
            own = Control(**self.control.model_dump(include={"tries", "tolerance", "reject_above"}))
            return type(self)(source="repaint", repaint=self.repaint, metadata=self.metadata, control=own)
        if self.source == "model":
            unread = {"predicted": PredictedConfig(), "repaint": RepaintConfig(), "looks": "own"}
            return self.model_copy(update=unread | {"layout": LayoutConfig()})
        used = {"source", "looks", "metadata", "control", "smooth"}
        return type(self)(**{k: getattr(self, k) for k in used})

    @property
    def gpus(self) -> int:
        """One, if there is a model to ask."""
        return int(self.source not in ("real", "repaint", "layout"))
