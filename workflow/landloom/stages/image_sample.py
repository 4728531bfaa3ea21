"""Images for the masks of one shard."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from landloom.conditions import registry
from landloom.conditions.mask import one_hot
from landloom.config.image_sample import ImageSampleConfig
from landloom.copy_paste.assembly import Collage, Collages
from landloom.copy_paste.library import Library
from landloom.data import samples
from landloom.data.quality import judged
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.diffusion import controlnet
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.feedback import JudgeFeedback
from landloom.diffusion.sampling import batches, guidance, sample, taken
from landloom.errors import InputError
from landloom.gan import networks as gan
from landloom.models import bundle
from landloom.raster import codec
from landloom.runtime import progress
from landloom.runtime.command_line import In, Ins, Out
from landloom.segmentation import networks
from landloom.training.loop import device

VERSION = 12
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
        InputError: collages are asked for, but no tiles were given, or none of them is for training.
    """
    dataset = Statistics.load(statistics)
    about = samples.metadata(masks)
    if config.source == "real":
        samples.write(out, samples.read(masks), about)
        samples.write(resamples, [], about)
        return
    cuts = config.cuts and translator is None
    if cuts and not tiles:
        raise InputError("--tiles", "is needed for collages", "Give the shards of tiles")
    rows = list(samples.read(masks))
    chosen = np.linspace(0, len(rows) - 1, min(config.resamples, len(rows))).round().astype(int)
    first = [(s, (s.seed or 0) ^ IMAGE_SEED) for s in rows]
    second = [(rows[i], (rows[i].seed or 0) ^ IMAGE_SEED ^ RESAMPLE_SEED) for i in chosen]
    collages = Collages(Library(dataset, tiles or [], config.collage), [*first, *second]) if cuts else None
    generator: ImageGenerator | None = None
    if translator is not None:
        generator = Translator(dataset, translator)
    elif config.source == "model":
        assert base is not None
        assert controlnet is not None
        generator = Diffusion(config, dataset, base, controlnet, judge)
    about |= {"image_model": str(translator or controlnet)} if generator else {}
    about |= {"collage": config.collage.strength if generator else 0.0} if cuts else {}
    samples.write(out, painted(config, dataset, generator, collages, first), about)
    samples.write(resamples, painted(config, dataset, generator, collages, second), about)


class ImageGenerator(Protocol):
    """Makes images for masks."""

    def __call__(
        self, rows: Sequence[Sample], seeds: Sequence[int], start: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        """Images (B, C, H, W) in [-1, 1]; each depends on its own row, seed and start alone."""
        ...


def painted(
    config: ImageSampleConfig, dataset: Statistics, generator: ImageGenerator | None,
    collages: Collages | None, wanted: Sequence[tuple[Sample, int]],
) -> Iterator[Sample]:  # fmt: skip
    """Yield copies of samples with new images from their seeds, in the dataset's units.

    Without a generator the collages are the images. The tiles of a collage become parents of its image, and
    the largest share of one of them is a score.
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
            encoded = codec.encode(dataset.unscale(image), row.crs, row.transform)
            yield replace(named(row, collage) if collage else row, image=encoded)


def named(row: Sample, collage: Collage) -> Sample:
    """A sample that names the tiles of its collage."""
    parents = list(dict.fromkeys([*row.parents, *collage.shares]))
    share = max(collage.shares.values(), default=0.0)
    return replace(row, parents=parents, quality=judged(row.quality, {"one_tile": share}))


class Translator:
    """Images by a baseline; dropout under a sample's own seed is its noise."""

    def __init__(self, dataset: Statistics, folder: Path) -> None:
        self.model, self.classes = gan.load(folder).to(device()), len(dataset.classes)

    @torch.no_grad()
    def __call__(
        self, rows: Sequence[Sample], seeds: Sequence[int], start: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        """Images of masks, one at a time, so that batching changes nothing; there is no start."""
        found = []
        for row, seed in zip(rows, seeds, strict=True):
            torch.manual_seed(seed)
            hint = one_hot(torch.from_numpy(row.mask_array())[None], self.classes)
            found.append(self.model(hint.to(device()))[0].cpu().numpy())
        return np.stack(found)


class Diffusion:
    """Images by the ControlNet, under masks and captions."""

    def __init__(
        self, config: ImageSampleConfig, dataset: Statistics, base: Path, control: Path, judge: Path | None
    ) -> None:
        self.config, self.dataset = config, dataset
        self.dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
        self.model = bundle.load(base).to(device(), self.dtype)
        made = controlnet.load(control, self.model, device(), self.dtype)
        self.conditions = registry.load(control, self.model.embed)
        stems = controlnet.load_stems(control, self.model, made, self.conditions)
        denoiser = Denoiser(self.model, self.conditions, made, config.control, stems)
        self.denoiser = denoiser.to(device())
        scales, key = config.scales, "image_sample.guidance"
        self.guides = [g for n, s in scales.items() for g in guidance(self.conditions, n, s, key)]
        found = networks.load(judge / "model") if judge is not None and config.feedback.weight else None
        self.judge = found.to(device()).eval().requires_grad_(False) if found is not None else None

    def __call__(
        self, rows: Sequence[Sample], seeds: Sequence[int], start: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        """Sample latents, from those of ``start`` if given, and decode them.

        The last batch is filled up: a network's last bits depend on the shape of its batch, and an image must
        be the same whatever else is in its shard.
        """
        config, count = self.config, len(rows)
        filled = [*range(count), *[count - 1] * (config.batch - count)]
        rows, seeds = [rows[i] for i in filled], [seeds[i] for i in filled]
        start = start[filled] if start is not None else None
        labels = torch.from_numpy(np.stack([s.mask_array() for s in rows])).to(device())
        begin = self.model.encode(torch.from_numpy(start)) if start is not None else None
        strength = 1.0 if start is None else config.collage.strength
        steps = taken(config.steps, strength)
        steer = JudgeFeedback(self.model, self.judge, labels, config.feedback, steps) if self.judge else None
        latents = sample(
            self.denoiser, self.model.scheduler, self.conditions.load(rows), seeds, config.steps,
            self.dataset.size // self.model.factor, self.guides, steer, config.solver, begin, strength,
        )  # fmt: skip
        with torch.no_grad():
            return np.asarray(self.model.decode(latents.to(self.dtype)).float().cpu().numpy())[:count]
