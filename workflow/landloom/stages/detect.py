"""One detector, trained on a mix and judged on real scenes it never saw."""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from landloom.config.detect import DetectConfig
from landloom.config.run import DEFAULT
from landloom.data import sample_index, samples
from landloom.data.samples import SCHEMA, Sample
from landloom.data.statistics import Statistics
from landloom.detection import judgement, networks, predict
from landloom.detection.boxes import Found
from landloom.detection.curation import threshold
from landloom.detection.networks import CentreNetwork
from landloom.detection.objective import DetectionObjective
from landloom.detection.scenes import scenes
from landloom.detection.scores import Ground, Matches, matched
from landloom.detection.tiles import ObjectTiles
from landloom.errors import InputError
from landloom.models import cards
from landloom.runtime import csv_tables
from landloom.runtime.command_line import How, In, Ins, Out, State
from landloom.training.loop import train
from landloom.training.metrics_log import metrics_path

VERSION = 2
SHOWN = 0.05
"""Score from which boxes are written with the predictions; scores of the detector rest on all."""


def run(
    config: DetectConfig, network: str, generator: str, ratio: float, seed: int,
    statistics: In, mix: In, tiles: Ins, curated: Ins, state: State, out: Out, metrics: Out,
    run: How = DEFAULT,
) -> None:  # fmt: skip
    """Write a folder with the model, its scores and predictions, and the metrics of the training.

    Raises:
        InputError: the network is unknown or does not fit the tiles, or nobody looked for objects in a tile.
        Interrupted: told to stop; the state is saved.
    """
    dataset = Statistics.load(statistics)
    torch.manual_seed(seed)
    model = make(config, network, dataset)
    places = sample_index.read(mix, [*tiles, *curated])
    objective = DetectionObjective(model, ObjectTiles(places, dataset), config.augment)
    train(objective, config, run, seed, state, f"detect {generator} {ratio:g} {network} {seed}")
    out.mkdir(parents=True)
    networks.save(model, out / "model")
    card = cards.detector(dataset, config, sample_index.described(places, generator))
    (out / "model" / "README.md").write_text(card)
    about = {"generator": generator, "ratio": ratio, "network": network, "seed": seed, "steps": config.steps}
    about |= sample_index.counts(places) | {"kind": model.kind}
    found = {"val": judged(model, dataset, tiles, "val")}
    found["test"] = judged(model, dataset, tiles, "test", out / "predictions.parquet")
    judgement.write(found["test"], out)
    tables = {split: judgement.table(one, model.classes) for split, one in found.items()}
    about |= {"threshold": threshold(found["val"])}
    body = about | {split: summary(one) for split, one in tables.items()}
    (out / "scores.json").write_text(json.dumps(body, indent=1) + "\n")
    csv_tables.write(tables["test"], out / "scores.csv")
    shutil.copyfile(metrics_path(state), metrics)


def make(config: DetectConfig, network: str, dataset: Statistics) -> CentreNetwork:
    """Build a detector of the config for a dataset.

    Raises:
        InputError: there is no such detector, or the dataset has no objects.
    """
    if network not in config.networks:
        raise InputError("detect.networks", f"'{network}' is not there", f"Use {', '.join(config.networks)}")
    if not dataset.objects:
        raise InputError(
            "detect.networks", "the data have no objects", "Give data.objects, or list no network"
        )
    names = [c.name for c in dataset.objects]
    model = networks.build(config.networks[network], dataset.bands, names, config.kind or "rotated")
    networks.check_size(model, dataset.size)
    return model


def judged(
    model: CentreNetwork, dataset: Statistics, tiles: Sequence[Path], split: str, out: Path | None = None
) -> dict[Ground, list[Matches]]:
    """Matches of each class by tile of a split; what was found in its tiles is written to ``out``."""
    rows = ((s, s.image_array()) for s in samples.read(tiles, split) if s.objects is not None)
    found: Iterator[tuple[Sample, Found]] = predict.over(model, dataset, rows)
    whole = scenes(found if out is None else shown(found, out))
    return matched(whole, len(model.classes), model.kind)


def summary(table: pd.DataFrame) -> dict[str, Any]:
    """Scores as JSON, by column; None stands for a class without an object."""
    columns = {str(k): table[k].tolist() for k in table}
    return {k: [None if pd.isna(v) else v for v in column] for k, column in columns.items()}


def shown(found: Iterator[tuple[Sample, Found]], out: Path) -> Iterator[tuple[Sample, Found]]:
    """Pass on tiles with what was found, and write it: id, objects as a sample has them, score of each."""
    objects = SCHEMA.field("objects").type
    schema = pa.schema([("id", pa.string()), ("objects", objects), ("scores", pa.list_(pa.float64()))])
    with pq.ParquetWriter(out, schema) as writer:
        for sample, boxes in found:
            best = boxes.at(boxes.scores >= SHOWN)
            rows = [
                {"category": int(c), "corners": q.ravel().tolist(), "difficult": False}
                for c, q in zip(best.categories, best.corners, strict=True)
            ]
            row = {"id": sample.id, "objects": rows, "scores": best.scores.tolist()}
            writer.write_table(pa.Table.from_pylist([row], schema=schema))
            yield sample, boxes
