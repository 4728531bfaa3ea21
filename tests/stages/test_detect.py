import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from torch import Tensor, nn

from landloom.config.detect import DetectConfig, Detector
from landloom.config.mix import MixConfig
from landloom.data import held_tiles, samples
from landloom.detection import judgement, networks
from landloom.detection.objective import DetectionObjective
from landloom.errors import InputError, Interrupted
from landloom.provenance.records import digest
from landloom.stages import detect, mix
from tests import bright_boxes
from tests.bases import LOGGED

NETWORKS = {"tiny": Detector(encoder="resnet18", width=16)}


def train(folder: Path, name: str, **changes: Any) -> Path:
    """Run the stage on a real-only mix of sixteen tiles; returns its output folder."""
    config = DetectConfig(networks=NETWORKS, warmup=2, **{"steps": 4, "batch": 4, "lr": 3e-3} | changes)
    tiles = bright_boxes.tiles(folder)
    mixed = folder / "mix.parquet"
    mix.run(MixConfig(), 0.0, 0, tiles, [], mixed)
    out = folder / name
    detect.run(
        config, "tiny", "real", 0.0, 3, bright_boxes.statistics(folder), mixed, tiles, [],
        state=folder / f"state-{name}", out=out, metrics=folder / f"{name}.jsonl", run=LOGGED,
    )  # fmt: skip
    return out


def test_a_detector_learns_and_scores_are_complete(tmp_path: Path) -> None:
    out = train(tmp_path, "run", steps=80, batch=8)
    body = json.loads((out / "scores.json").read_text())
    about = {k: v for k, v in body.items() if k not in ("val", "test", "threshold")}
    assert about == {
        "generator": "real", "ratio": 0.0, "network": "tiny", "seed": 3, "steps": 80, "kind": "rotated",
        "n_train": 16, "n_real": 16, "n_synthetic": 0,
    }  # fmt: skip
    assert 0 < body["threshold"] < 1
    table = pd.read_csv(out / "scores.csv")
    assert table["class"].tolist() == [*bright_boxes.NAMES, "mean"]
    there = [o for s in samples.read(tmp_path / "test.parquet") for o in s.objects or []]
    assert table["objects"].tolist()[:2] == [sum(o.category == i for o in there) for i in (0, 1)]
    assert table["ap50"].iloc[2] > 60
    assert table["ap50"].tolist() == pytest.approx(body["test"]["ap50"])
    again = judgement.table(judgement.read(out), bright_boxes.NAMES)
    assert again["ap"].tolist() == pytest.approx(table["ap"].tolist())
    rows = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text().splitlines()]
    assert rows[-1]["loss"] < rows[0]["loss"] / 2
    assert networks.load(out / "model").classes == bright_boxes.NAMES
    assert "real tiles and" in (out / "model/README.md").read_text()  # its card says what it learned from

    rows = pq.read_table(out / "predictions.parquet")
    assert rows["id"].to_pylist() == [f"test{i}" for i in range(4)]
    assert rows.schema.field("objects").type.equals(samples.SCHEMA.field("objects").type)
    for row in rows.to_pylist():
        assert len(row["objects"]) == len(row["scores"])
        assert row["scores"] == sorted(row["scores"], reverse=True)
        centres = np.array([o["corners"] for o in row["objects"]]).reshape(-1, 4, 2).mean(1)
        assert ((centres >= -4) & (centres <= bright_boxes.SIDE + 4)).all()


def test_level_boxes_are_learned_and_scored(tmp_path: Path) -> None:
    out = train(tmp_path, "run", kind="horizontal")
    assert networks.load(out / "model").kind == "horizontal"
    for row in pq.read_table(out / "predictions.parquet").to_pylist():
        for one in row["objects"]:
            x, y = np.array(one["corners"]).reshape(4, 2).T
            assert len(set(x.round(4))) == len(set(y.round(4))) == 2


def test_a_training_that_was_cut_off_and_streams_ends_at_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, steps, plain = train(tmp_path, "whole", ema=0.9), 0, DetectionObjective.loss
    most = held_tiles.tile_bytes(3, 3, bright_boxes.SIDE, "uint8")
    monkeypatch.setattr(held_tiles, "HELD_BYTES", most)

    def killed(self: DetectionObjective, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        nonlocal steps
        steps += 1
        if steps == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(self, module, index)

    monkeypatch.setattr(DetectionObjective, "loss", killed)
    with pytest.raises(Interrupted):
        train(tmp_path, "cut", ema=0.9)
    assert not (tmp_path / "cut").exists()
    assert digest(train(tmp_path, "cut", ema=0.9)) == digest(whole)
    assert steps == 4


def test_an_unknown_network_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"'other' is not there\. Use tiny"):
        detect.make(DetectConfig(networks=NETWORKS), "other", bright_boxes.dataset())


def test_data_without_objects_are_an_input_error() -> None:
    with pytest.raises(InputError, match=r"the data have no objects\. Give data\.objects"):
        detect.make(DetectConfig(networks=NETWORKS), "tiny", bright_boxes.dataset(objects=None))
