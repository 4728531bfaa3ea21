"""Images for the masks of one shard."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from landloom.config.image_sample import ImageSampleConfig
from landloom.data import coarse_images, kept_pixels, samples
from landloom.data.batches import batches
from landloom.data.quality import judged
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.raster import codec
from landloom.runtime import progress
from landloom.runtime.command_line import In, Ins, Out
from landloom.runtime.importing import importing
from landloom.runtime.reading import object_of

if TYPE_CHECKING:
    from landloom.copy_paste.assembly import Collage

    Starts = Callable[[Sample, int], Collage]

VERSION = 13
IMAGE_SEED = 0x5EED  # images start from other noise than their masks
RESAMPLE_SEED = 0x7415  # and resamples from other noise than the first images


def run(
    config: ImageSampleConfig, statistics: In, masks: In, out: Out, resamples: Out,
    base: In | None = None, controlnet: In | None = None, translator: In | None = None,
    judge: In | None = None, tiles: Ins | None = None,
) -> None:  # fmt: skip
    """Write image-mask pairs: images by the generator, cut from real tiles, or the real image of a real mask.

    ``resamples`` gets second images of a few masks, from other seeds.

    Raises:
        InputError: collages are asked for, but no tiles were given, or none of them is for training; or the
            known pixels of a sample do not fit its image.
    """
    dataset = Statistics.load(statistics)
    about = samples.metadata(masks)
    if config.source == "real":
        samples.write(out, samples.read(masks), about)
        samples.write(resamples, [], about)
        return
    cuts = config.cuts and translator is None
    if cuts and not tiles and config.collage.source == "others":
        raise InputError("--tiles", "is needed for collages", "Give the shards of tiles")
    rows = list(samples.read(masks))
    kept_pixels.check(rows, dataset)
    chosen = np.linspace(0, len(rows) - 1, min(config.resamples, len(rows))).round().astype(int)
    first = [(s, (s.seed or 0) ^ IMAGE_SEED) for s in rows]
    second = [(rows[i], (rows[i].seed or 0) ^ IMAGE_SEED ^ RESAMPLE_SEED) for i in chosen]
    collages = starts(config, dataset, tiles or [], [*first, *second]) if cuts else None
    generator: ImageGenerator | None = None
    factor: int | None = None
    if translator is not None:
        generator = gan(dataset, translator)
    elif config.source == "model":
        assert base is not None
        assert controlnet is not None
        generator = diffusion(config, dataset, base, controlnet, judge)
        factor = coarse_factor(controlnet) if config.consistency else None
    about |= {"image_model": str(translator or controlnet)} if generator else {}
    about |= {"collage": config.collage.strength if generator else 0.0} if cuts else {}
    samples.write(out, painted(config, dataset, generator, collages, first, factor), about)
    samples.write(resamples, painted(config, dataset, generator, collages, second, factor), about)


class ImageGenerator(Protocol):
    """Makes images for masks."""

    def __call__(
        self, rows: Sequence[Sample], seeds: Sequence[int], start: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        """Images (B, C, H, W) in [-1, 1]; each depends on its own row, seed and start alone."""
        ...


# Each back-end is imported when it is chosen: what copies real images needs no torch, others no diffusers.


def starts(
    config: ImageSampleConfig, dataset: Statistics, tiles: Sequence[Path],
    wanted: Sequence[tuple[Sample, int]],
) -> "Starts":  # fmt: skip
    """Collages of samples with their seeds, or the images that they bring."""
    if config.collage.source == "own":
        return lambda sample, seed: own(dataset, sample)
    with importing():
        from landloom.copy_paste.assembly import Collages
        from landloom.copy_paste.library import Library
    return Collages(Library(dataset, tiles, config.collage), wanted)


def own(dataset: Statistics, sample: Sample) -> "Collage":
    """The image that a mask brings.

    Raises:
        InputError: it brings none.
    """
    with importing():
        from landloom.copy_paste.assembly import Collage
    if sample.image is None:
        remedy = "Set image_sample.collage.source to 'others', or quilt the masks"
        raise InputError(sample.id, "its mask has no image to start from", remedy)
    return Collage(dataset.scale(sample.image_array()), {})


def gan(dataset: Statistics, folder: Path) -> ImageGenerator:
    """Images by a baseline."""
    with importing():
        from landloom.gan.images import GanImages
    return GanImages(dataset, folder)


def diffusion(
    config: ImageSampleConfig, dataset: Statistics, base: Path, control: Path, judge: Path | None
) -> ImageGenerator:
    """Images by a ControlNet, steered by a judge if the config says so."""
    with importing():
        from landloom.diffusion.images import DiffusionImages
        from landloom.segmentation import networks
    steers = networks.load(judge / "model") if judge is not None and config.feedback.weight else None
    return DiffusionImages(config, dataset, base, control, steers)


def coarse_factor(control: Path) -> int:
    """Pixels, per side, in a block of the coarse images that a ControlNet has learned.

    Raises:
        InputError: it has learned none.
    """
    told = object_of(control / "conditions.json")
    if "low_resolution" not in told:
        remedy = "Set image_sample.consistency to 0, or train with image_train.low_resolution"
        raise InputError(control, "has not learned low_resolution", remedy)
    return int(told["low_resolution"]["factor"])


def painted(
    config: ImageSampleConfig, dataset: Statistics, generator: ImageGenerator | None,
    collages: "Starts | None", wanted: Sequence[tuple[Sample, int]], factor: int | None = None,
) -> Iterator[Sample]:  # fmt: skip
    """Yield copies of samples with new images from their seeds, in the dataset's units.

    Without a generator the collages are the images. The tiles of a collage become parents of its image, and
    the largest share of one of them is a score. With a ``factor``, blocks of so many pixels have the means
    that the sample's coarse image has. Pixels that a sample says are known stay, bit for bit.
    """
    parts = batches(len(wanted), config.batch)
    for part in progress.shown(parts, "images", len(wanted), config.batch):
        rows, seeds = zip(*wanted[part], strict=True)
        cut = [collages(row, seed) for row, seed in wanted[part]] if collages else []
        start = np.stack([c.image for c in cut]) if cut else None
        images = generator(rows, seeds, start) if generator else start
        assert images is not None
        pairs = zip(rows, cut, strict=True) if cut else ((row, None) for row in rows)
        for (row, collage), image in zip(pairs, images, strict=True):
            made, kept = dataset.unscale(image), kept_pixels.of(row)
            coarse = coarse_images.of(row, factor, dataset.size // factor) if factor else None
            made = coarse_images.agreeing(made, coarse, factor) if factor and coarse else made
            encoded = codec.encode(kept.into(made) if kept else made, row.crs, row.transform)
            yield replace(named(row, collage) if collage else row, image=encoded)


def named(row: Sample, collage: "Collage") -> Sample:
    """A sample that names the tiles of its collage, if they are others than those of its mask."""
    if not collage.shares:
        return row
    parents = list(dict.fromkeys([*row.parents, *collage.shares]))
    share = max(collage.shares.values(), default=0.0)
    return replace(row, parents=parents, quality=judged(row.quality, {"one_tile": share}))
