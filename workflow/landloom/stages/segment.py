"""One segmentation network, trained on a mix and judged on real scenes it never saw."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import nn

from landloom.config.run import DEFAULT
from landloom.config.segment import SegmentConfig
from landloom.data import sample_index, samples
from landloom.data.statistics import Statistics
from landloom.data.tile_dataset import TileDataset
from landloom.errors import InputError
from landloom.models import cards
from landloom.raster import codec
from landloom.runtime.command_line import How, In, Ins, Out, State
from landloom.segmentation import networks, predict
from landloom.segmentation.blending import blended
from landloom.segmentation.judgement import Judgement
from landloom.segmentation.maps import mapped
from landloom.segmentation.objective import SegmentationObjective, class_weights
from landloom.segmentation.predict import Found
from landloom.training.loop import train
from landloom.training.metrics_log import metrics_path

VERSION = 5
SHOWN = 12  # predictions kept for the report


def run(
    config: SegmentConfig, network: str, generator: str, ratio: float, seed: int,
    statistics: In, mix: In, tiles: Ins, curated: Ins, state: State, out: Out, metrics: Out,
    min_trust: float = 0.0, run: How = DEFAULT,
) -> None:  # fmt: skip
    """Write a folder with the model, its scores and predictions, and the metrics of the training.

    Maps of the test scenes are written for the first seed alone.

    Raises:
        InputError: the network is unknown or does not fit the tiles.
        Interrupted: told to stop; the state is saved.
    """
    dataset = Statistics.load(statistics)
    torch.manual_seed(seed)
    model = make(config, network, dataset)
    places = sample_index.read(mix, [*tiles, *curated])
    own = config.networks[network]
    weights = class_weights(own.class_weights or config.class_weights, dataset.prior)
    objective = SegmentationObjective(model, TileDataset(places, dataset, min_trust), weights, config.augment)
    train(objective, config, run, seed, state, f"segment {generator} {ratio:g} {network} {seed}")
    out.mkdir(parents=True)
    networks.save(model, out / "model")
    card = cards.segmentation(dataset, config, sample_index.described(places, generator))
    (out / "model" / "README.md").write_text(card)
    about = {"generator": generator, "ratio": ratio, "network": network, "seed": seed, "steps": config.steps}
    about |= {"baseline": own.baseline} if own.baseline else {}
    test = blended(model, dataset, tiles, "test")
    if seed == config.seeds[0]:
        test = mapped(test, out / "maps", tiles, dataset, about)
    test = shown(test, out / "predictions.parquet")
    scenes = judged({"val": blended(model, dataset, tiles, "val"), "test": test}, dataset)
    scenes["test"].write(out)
    # Pairs will be judged tile by tile, so the norms must be, too.
    alone = judged({s: single(model, dataset, tiles, s) for s in scenes}, dataset)
    body = about | sample_index.counts(places) | summaries(scenes) | {"tiles": summaries(alone)}
    (out / "scores.json").write_text(json.dumps(body, indent=1) + "\n")
    shutil.copyfile(metrics_path(state), metrics)


def make(config: SegmentConfig, network: str, dataset: Statistics) -> nn.Module:
    """Build a network of the config for a dataset."""
    if network not in config.networks:
        raise InputError("segment.networks", f"'{network}' is not there", f"Use {', '.join(config.networks)}")
    model = networks.build(config.networks[network], dataset.bands, len(dataset.classes))
    networks.check_size(model, dataset.bands, dataset.size)
    return model


def single(model: nn.Module, dataset: Statistics, tiles: Sequence[Path], split: str) -> Found:
    """Yield the tiles of a split, each seen by itself."""
    return predict.probabilities(model, dataset, samples.read(tiles, split))


def judged(found: Mapping[str, Found], dataset: Statistics) -> dict[str, Judgement]:
    """What is right on the tiles of each split."""
    return {split: Judgement.of(pairs, len(dataset.classes)) for split, pairs in found.items()}


def summaries(found: Mapping[str, Judgement]) -> dict[str, Any]:
    """Scores of each split."""
    return {split: judgement.summary() for split, judgement in found.items()}


def shown(found: Found, out: Path) -> Found:
    """Pass on tiles with their probabilities, and write ids and predicted masks (PNG) of the first ones."""
    rows: dict[str, list[Any]] = {"id": [], "prediction": []}
    for sample, probabilities in found:
        if len(rows["id"]) < SHOWN:
            rows["id"].append(sample.id)
            rows["prediction"].append(codec.encode(probabilities.argmax(0).astype(np.uint8)))
        yield sample, probabilities
    schema = pa.schema([("id", pa.string()), ("prediction", pa.binary())])
    pq.write_table(pa.table(rows, schema=schema), out)
