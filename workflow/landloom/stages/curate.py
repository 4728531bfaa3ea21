"""How far each pixel and pair can be trusted: by a network trained on real data, and beside real tiles."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from torch import nn

from landloom.config.curate import CurateConfig
from landloom.config.features import FeaturesConfig
from landloom.data import quality, samples
from landloom.data.kept_pixels import PIXELS
from landloom.data.quality import COPY, Quality, Reason
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.metrics import extractors
from landloom.metrics.known import load
from landloom.metrics.memorisation import Neighbour, Neighbours, Place
from landloom.raster import codec
from landloom.runtime import progress
from landloom.runtime.command_line import In, Ins, Out
from landloom.runtime.importing import importing
from landloom.runtime.reading import object_of
from landloom.segmentation import networks, scores
from landloom.segmentation.curation import Norms, agreement, pixel_loss, trust
from landloom.segmentation.predict import probabilities

VERSION = 9


def run(
    config: CurateConfig, features: FeaturesConfig, statistics: In, pairs: In, tiles: Ins, judge: In,
    known: Ins, out: Out, detector: In | None = None,
) -> None:  # fmt: skip
    """Write all pairs with a trust raster and a verdict.

    The judge's norms per class come from val tiles, real data that it was not trained on; they stand in its
    scores. ``known`` are features of the train tiles; without them there is no memorisation audit. A
    ``detector``, a run of real tiles alone, looks for the objects of pairs that have some.

    Raises:
        InputError: there are no val tiles to measure the judge on, ``judge`` holds no network, or the
            extractor of the memorisation audit is missing.
    """
    dataset = Statistics.load(statistics)
    near = neighbours(features, dataset, pairs, tiles, known) if config.compares and known else {}
    model = networks.load(judge / "model")
    norm = Norms.of(object_of(judge / "scores.json")["tiles"]["val"])
    if np.isnan(norm.loss).any():
        raise InputError("tiles", "no val tile has a pixel with a class", "Put a scene in the val split")
    matrix = np.zeros((len(dataset.classes),) * 2, np.int64)
    with tempfile.TemporaryFile(dir=out.parent) as trusted:
        found = [
            (trusted.write(encoded), verdict)
            for encoded, verdict in judged(config, dataset, model, samples.read(pairs), norm, near, matrix)
        ]
        trusted.seek(0)
        rows = marked(samples.read(pairs), found, trusted)
        if detector is not None:
            rows = looked_for(config, dataset, detector, rows)
        samples.write(out, rows, about(pairs, judge, norm, matrix))


def about(pairs: Path, judge: Path, norm: Norms, matrix: scores.Confusion) -> dict[str, Any]:
    """What the shard says of itself and of the judge."""
    return samples.metadata(pairs) | {
        "judge_loss": [round(float(v), 6) for v in norm.loss],
        "confusion": matrix.tolist(),
        "judge_confusion": held_out(judge),
    }


def judged(
    config: CurateConfig,
    dataset: Statistics,
    model: nn.Module,
    pairs: Iterator[Sample],
    norm: Norms,
    near: dict[str, Neighbour],
    matrix: scores.Confusion,
) -> Iterator[tuple[bytes, Quality]]:
    """Yield each pair's encoded trust and its quality; ``matrix`` sums up where mask and judge agree."""
    for sample, found in progress.shown(probabilities(model, dataset, pairs), "pairs judged"):
        mask, seen = sample.mask_array(), found.argmax(0).astype(np.uint8)
        trusted = codec.encode(trust(pixel_loss(found, mask), mask, norm.loss, config.tolerance))
        matrix += scores.confusion(mask, seen, len(dataset.classes))
        share, kept = agreement(seen, mask), bool(sample.layer(PIXELS))
        expected = norm.expected(mask)
        # Of classes that the judge never gets right nothing can be expected, nor held against a pair.
        relative = share / expected if expected else 1.0
        yield trusted, decide(config, share, relative, near.get(sample.id), sample.quality, kept)


def marked(
    pairs: Iterator[Sample], found: Sequence[tuple[int, Quality]], trusted: IO[bytes]
) -> Iterator[Sample]:
    """Pairs with their trust, of so many bytes in a file, and quality.

    They are read once more, as a shard's images need not fit into memory.
    """
    for sample, (size, verdict) in zip(pairs, found, strict=True):
        sample.trust, sample.quality = trusted.read(size), verdict
        yield sample


def decide(
    config: CurateConfig, share: float, relative: float, near: Neighbour | None, before: Quality | None,
    kept: bool = False,
) -> Quality:  # fmt: skip
    """The verdict: all scores, and every reason to reject.

    What a sample was told to keep of a real tile (``kept``) makes no copy of it.
    """
    found: dict[str, float | None] = {"agreement": share, "relative": relative}
    reasons = quality.below("agreement", share, config.min_agreement)
    reasons += quality.below("agreement for its classes", relative, config.min_relative)
    if (whole := quality.score(before, "one_tile")) > config.memory.share and not kept:
        reasons.append(Reason(COPY, f"{COPY}: {100 * whole:.1f} % of the pixels are cut from one"))
    if near is not None:
        found |= {"realism": near.realism, "distance": near.distance, "rank": near.rank}
        reasons += quality.below("realism", near.realism, config.min_realism)
        if near.rank < config.memory.quantile:
            share_nearer = 100 * (1 - near.rank)
            reasons.append(Reason(COPY, f"{COPY}: nearer than {share_nearer:.1f} % of real tiles are"))
    return quality.judged(before, found, reasons, near.id if near else None)


def looked_for(
    config: CurateConfig, dataset: Statistics, detector: Path, pairs: Iterator[Sample]
) -> Iterator[Sample]:
    """Pairs with what a detector sees of their objects in their quality."""
    with importing():
        from landloom.detection.curation import judged
    return judged(config, dataset, detector, pairs)


def neighbours(
    config: FeaturesConfig, dataset: Statistics, pairs: Path, tiles: Sequence[Path], known: Sequence[Path]
) -> dict[str, Neighbour]:
    """Nearest train tile of each new image.

    The unchanged image of a tile named as parent is not new, unless it was pieced together; one of which a
    part was painted anew is near to its own tile, which says nothing.
    """
    real, places, cut = {}, [], "collage" in samples.metadata(pairs)
    for tile in samples.read(tiles, split="train"):
        real[tile.id] = _digest(tile)
        places.append(Place.of(tile))
    new = {
        s.id for s in samples.read(pairs)
        if not s.layer(PIXELS) and (cut or _digest(s) not in [real.get(p) for p in s.parents or []])
    }  # fmt: skip
    if not new or not real:
        return {}
    extractor = extractors.load(config.extractor, config.weights)
    wanted = [s.id for s in samples.read(pairs) if s.id in new]
    pictures = (dataset.preview(s.image_array()) for s in samples.read(pairs) if s.id in new)
    index = Neighbours(load(known).of(list(real), known[0].parent), places, dataset.size)
    made = extractors.features(extractor, pictures, config.batch)
    return dict(zip(wanted, index.nearest(made), strict=True))


def held_out(judge: Path) -> list[list[int]]:
    """The judge's confusion on all real tiles that it was not trained on, one by one as pairs are."""
    found = object_of(judge / "scores.json")["tiles"]
    return np.asarray(sum(np.array(found[s]["confusion"]) for s in ("val", "test"))).tolist()


def _digest(sample: Sample) -> str:
    return hashlib.sha256(sample.image or b"").hexdigest()
