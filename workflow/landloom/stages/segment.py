"""One segmentation network, trained on a mix and judged on real tiles it never saw."""

import json
import shutil
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import nn

from landloom.config.run import DEFAULT
from landloom.config.segment import SegmentConfig
from landloom.data import sample_index, samples
from landloom.data.sample_index import Place
from landloom.data.statistics import Statistics
from landloom.data.tile_dataset import TileDataset
from landloom.errors import InputError
from landloom.raster import codec
from landloom.runtime.command_line import How, In, Ins, Out, State
from landloom.segmentation import networks, predict, scores
from landloom.segmentation.curation import class_losses
from landloom.segmentation.judgement import Judgement
from landloom.segmentation.objective import SegmentationObjective, class_weights
from landloom.segmentation.overlaps import Overlaps
from landloom.training.loop import train
from landloom.training.metrics_log import metrics_path

VERSION = 4
SHOWN = 12  # predictions kept for the report


def run(
    config: SegmentConfig, network: str, generator: str, ratio: float, seed: int,
    statistics: In, mix: In, tiles: Ins, curated: Ins, state: State, out: Out, metrics: Out,
    min_trust: float = 0.0, run: How = DEFAULT,
) -> None:  # fmt: skip
    """Write a folder with the model, its scores and some predictions, and the metrics of the training.

    Raises:
        InputError: the network is unknown or does not fit the tiles.
        Interrupted: told to stop; the state is saved.
    """
    dataset = Statistics.load(statistics)
    torch.manual_seed(seed)
    model = make(config, network, dataset)
    places = sample_index.read(mix, [*tiles, *curated])
    weights = class_weights(config.class_weights, dataset.prior)
    objective = SegmentationObjective(model, TileDataset(places, dataset, min_trust), weights, config.augment)
    train(objective, config, run, seed, state, f"segment {generator} {ratio:g} {network} {seed}")
    out.mkdir(parents=True)
    networks.save(model, out / "model")
    about = {"generator": generator, "ratio": ratio, "network": network, "seed": seed, "steps": config.steps}
    found = {s: judge(model, dataset, tiles, s) for s in ("val", "test")}
    body = about | counts(places) | {s: one.summary() for s, one in found.items()}
    (out / "scores.json").write_text(json.dumps(body, indent=1) + "\n")
    found["test"].write(out)
    keep_predictions(model, dataset, tiles, out / "predictions.parquet")
    shutil.copyfile(metrics_path(state), metrics)


def make(config: SegmentConfig, network: str, dataset: Statistics) -> nn.Module:
    """Build a network of the config for a dataset."""
    if network not in config.networks:
        raise InputError("segment.networks", f"'{network}' is not there", f"Use {', '.join(config.networks)}")
    model = networks.build(config.networks[network], dataset.bands, len(dataset.classes))
    networks.check_size(model, dataset.bands, dataset.size)
    return model


def counts(places: Sequence[Place]) -> dict[str, int]:
    """Numbers of real and synthetic samples in a training set."""
    real = sum(p.source == "real" for p in places)
    return {"n_train": len(places), "n_real": real, "n_synthetic": len(places) - real}


def judge(model: nn.Module, dataset: Statistics, tiles: Sequence[Path], split: str) -> Judgement:
    """Scores and loss of a model on the real tiles of a split; pixels that tiles share count once."""
    classes, overlaps = len(dataset.classes), Overlaps()
    result = Judgement([], [], [], np.zeros(classes))
    for sample, found in predict.probabilities(model, dataset, samples.read(tiles, split=split)):
        mask = overlaps.uncounted(sample)
        result.tiles.append(sample.id)
        result.scenes.append(sample.scene)
        result.confusions.append(scores.confusion(mask, found.argmax(0).astype(np.uint8), classes))
        result.loss += class_losses(found, mask, classes)
    return result


def keep_predictions(model: nn.Module, dataset: Statistics, tiles: Sequence[Path], out: Path) -> None:
    """Write ids and predicted masks (PNG) of the first test tiles."""
    first = islice(samples.read(tiles, split="test"), SHOWN)
    rows = [(s.id, codec.encode(found)) for s, found in predict.labels(model, dataset, first)]
    schema = pa.schema([("id", pa.string()), ("prediction", pa.binary())])
    columns = {"id": [r[0] for r in rows], "prediction": [r[1] for r in rows]}
    pq.write_table(pa.table(columns, schema=schema), out)
