"""The tables: whether synthetic data helps, how real it looks, whether it holds the classes asked for."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray
from torch import nn

from landloom.config.evaluate import EvaluateConfig
from landloom.config.features import FeaturesConfig
from landloom.data import sample_index, samples
from landloom.data.batches import spread
from landloom.data.cells import reduced
from landloom.data.quality import mean_score
from landloom.data.samples import Sample, ShardReader
from landloom.data.statistics import Statistics
from landloom.data.stored_masks import StoredMasks
from landloom.data.tile_dataset import OPEN_SHARDS
from landloom.errors import InputError
from landloom.metrics import extractors, fidelity, tables, validity
from landloom.metrics.cost import Cost, cost
from landloom.metrics.diversity import mean_distance
from landloom.runtime import csv_tables
from landloom.runtime.command_line import In, Ins, Out
from landloom.runtime.reading import object_of
from landloom.segmentation import scores
from landloom.segmentation.gains import gains

VERSION = 10


def run(
    config: EvaluateConfig, features: FeaturesConfig, statistics: In, tiles: Ins, plans: Ins, pairs: Ins,
    resamples: Ins, runs: Ins,
    segmentation: Out, image_quality: Out, label_ratios: Out, label_shapes: Out, summary: Out, gain: Out,
) -> None:  # fmt: skip
    """Write the tables as CSV; ``pairs`` are the curated shards of all generators.

    ``resamples`` are shards of second images of some masks.

    Raises:
        InputError: pairs are missing, runs were scored on different pixels, or the feature extractor is
            missing.
    """
    dataset = Statistics.load(statistics)
    require_complete(plans, pairs)
    found = [object_of(r / "scores.json") for r in runs]
    require_same_ground(runs, found)
    table = tables.segmentation(found, dataset.names)
    csv_tables.write(table, segmentation)
    csv_tables.write(tables.summary(table, tables.baselines(found)), summary)
    csv_tables.write(tables.gains(list(gains(runs, found)), dataset.names), gain)
    groups = by_generator(pairs)
    images = quality(config, features, dataset, tiles, groups, by_generator(resamples))
    csv_tables.write(images, image_quality)
    csv_tables.write(shapes(config, features, dataset, tiles, groups), label_shapes)
    errors = [ratio_errors(name, paths, dataset) for name, paths in groups.items()]
    csv_tables.write(pd.concat([pd.DataFrame(columns=tables.LABEL_RATIOS), *errors]), label_ratios)


def require_complete(plans: Sequence[Path], pairs: Sequence[Path]) -> None:
    """Raise InputError unless there is one pair for each planned request."""
    asked = sum(pq.read_metadata(p).num_rows for p in plans)
    made = sum(pq.read_metadata(p).num_rows for p in pairs)
    if asked != made:
        raise InputError(
            "pairs", f"{asked} were planned, {made} are there", "Run curate again for all shards"
        )


def require_same_ground(runs: Sequence[Path], found: Sequence[Mapping[str, Any]]) -> None:
    """Raise InputError unless all runs were scored on the same number of test pixels of each class.

    Means over the classes of the truth are then means over the same classes.
    """
    pixels = [[sum(row) for row in body["test"]["confusion"]] for body in found]
    for run, counts in zip(runs, pixels, strict=True):
        if counts != pixels[0]:
            remedy = "Run segment again for both"
            raise InputError(run, f"was scored on other test pixels than {runs[0]}", remedy)


def by_generator(pairs: Sequence[Path]) -> dict[str, list[Path]]:
    """Shards by the generator's name in their metadata, sorted.

    Raises:
        InputError: a shard does not name its generator.
    """
    groups: dict[str, list[Path]] = {}
    for path in pairs:
        name = samples.metadata(path).get("generator")
        if name is None:
            raise InputError(path, "does not name its generator", "Run curate again")
        groups.setdefault(name, []).append(path)
    return dict(sorted(groups.items()))


def quality(
    config: EvaluateConfig,
    features: FeaturesConfig,
    dataset: Statistics,
    tiles: Sequence[Path],
    groups: dict[str, list[Path]],
    resamples: dict[str, list[Path]],
) -> pd.DataFrame:
    """Image quality per generator; rejected pairs count, so that curation cannot flatter."""
    if not groups:
        return pd.DataFrame(columns=tables.IMAGE_QUALITY)
    extractor = extractors.load(features.extractor, features.weights)
    real = pictures(dataset, tiles, config.reference, config.samples)
    reference = extractors.features(extractor, real, features.batch)
    rows = []
    for name, paths in groups.items():
        made = extractors.features(
            extractor, pictures(dataset, paths, "train", config.samples), features.batch
        )
        found, model = fidelity.compare(reference, made), samples.metadata(paths[0]).get("image_model")
        spent = cost(Path(model)) if model else Cost(None, None)
        row = {"generator": name, "extractor": features.extractor, "fid": found.fid, "kid": found.kid}
        row |= faithfulness(paths) | {
            "diversity": diversity(features, dataset, extractor, paths, resamples.get(name, []))
        }
        row |= {"n": found.n, "n_reference": found.n_reference}
        rows.append(row | {"train_minutes": spent.minutes, "device": spent.device})
    return pd.DataFrame(rows, columns=tables.IMAGE_QUALITY)


def faithfulness(paths: Sequence[Path]) -> dict[str, float]:
    """MIoU of the judge, 0 to 1: on the pairs of a generator, and on real held-out tiles."""
    about = [samples.metadata(p) for p in paths]
    made = np.sum([a["confusion"] for a in about], 0)
    return {
        "agreement_synthetic": scores.mean(scores.iou(made)),
        "agreement_real": scores.mean(scores.iou(np.array(about[0]["judge_confusion"]))),
    }


def diversity(
    config: FeaturesConfig,
    dataset: Statistics,
    extractor: nn.Module,
    paths: Sequence[Path],
    resamples: Sequence[Path],
) -> float | None:
    """Mean feature distance between a few images and their resamples: other seeds, the same masks."""
    names = samples.columns(resamples, ["id"])["id"]
    found = [
        extractors.features(extractor, (dataset.preview(s.image_array()) for s in rows), config.batch)
        for rows in (named(paths, names), samples.read(resamples))
    ]
    return mean_distance(*found)


def named(paths: Sequence[Path], names: Sequence[str]) -> Iterator[Sample]:
    """Yield the samples of shards with these ids, in their order."""
    places = {p.id: p for p in sample_index.located(paths)}
    reader = lru_cache(OPEN_SHARDS)(ShardReader)
    for name in names:
        yield from (s for _, s in reader(places[name].shard).rows([places[name].row]))


def shapes(
    config: EvaluateConfig,
    features: FeaturesConfig,
    dataset: Statistics,
    tiles: Sequence[Path],
    groups: dict[str, list[Path]],
) -> pd.DataFrame:
    """Shapes of each generator's masks, and of real ones, against held-out real ones."""
    most = config.samples
    real = masks(tiles, "test", most) or masks(tiles, "val", most)
    if not groups or not real:
        return pd.DataFrame(columns=["generator", *validity.COLUMNS, "residual"])
    extractor = extractors.load(features.extractor, features.weights)
    train = [reduced(s.mask_array()) for s in samples.read(tiles, split="train")]
    measure = validity.Validity(dataset, extractor, real, train, features.batch)
    alike = min(most, max(len(samples.rows(paths, "train")) for paths in groups.values()))
    rows = measure.real_rows(masks(tiles, "train", alike))
    for name, paths in groups.items():
        residual = mean_score(samples.columns(paths, ["quality"])["quality"], "residual")
        rows.append(measure.row(name, masks(paths, "train", most), known=False) | {"residual": residual})
    return pd.DataFrame(rows).rename(columns={"variant": "generator"})


def masks(paths: Sequence[Path], split: str, most: int) -> StoredMasks:
    """Masks of one split; at most ``most``, evenly spread."""
    return StoredMasks(paths, spread(samples.rows(paths, split), most))


def pictures(
    dataset: Statistics, paths: Sequence[Path], split: str, limit: int
) -> Iterator[NDArray[np.uint8]]:
    """Yield natural-colour pictures (H, W, 3) of at most ``limit`` samples, evenly spread over the split."""
    for sample in samples.pick(paths, spread(samples.rows(paths, split), limit)):
        yield dataset.preview(sample.image_array())


def ratio_errors(generator: str, paths: Sequence[Path], dataset: Statistics) -> pd.DataFrame:
    """Errors of class shares of one generator, over samples with target ratios."""
    table = samples.columns(paths, ["ratios", "target_ratios"])
    rows = zip(table["ratios"], table["target_ratios"], strict=True)
    asked = [(found, wanted) for found, wanted in rows if wanted]
    return tables.label_ratios(generator, [f for f, _ in asked], [w for _, w in asked], dataset.names)
