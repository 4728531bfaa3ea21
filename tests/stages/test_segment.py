import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
import torch
from torch import Tensor, nn

from landloom.config.mix import MixConfig
from landloom.config.segment import Network, SegmentConfig
from landloom.data import held_tiles, samples
from landloom.data.tile_dataset import Tile, TileDataset
from landloom.errors import InputError, Interrupted
from landloom.provenance.records import digest
from landloom.raster import codec
from landloom.segmentation import networks, scores
from landloom.segmentation.objective import SegmentationObjective
from landloom.stages import mix, segment
from tests import shards
from tests.bases import LOGGED

NETWORKS = {"tiny": Network(architecture="Linknet", encoder="resnet18")}


def train(folder: Path, name: str, **changes: Any) -> Path:
    """Run the stage on a real-only mix of eight tiles; returns its output folder."""
    given: dict[str, Any] = {"networks": NETWORKS, "steps": 6} | changes
    config = SegmentConfig(batch=4, lr=3e-3, warmup=2, **given)
    tiles = shards.tiles(folder)
    mixed = folder / "mix.parquet"
    mix.run(MixConfig(), 0.0, 0, tiles, [], mixed)
    out = folder / name
    segment.run(
        config, "tiny", "real", 0.0, 3, shards.statistics(folder), mixed, tiles, [],
        state=folder / f"state-{name}", out=out, metrics=folder / f"{name}.jsonl", run=LOGGED,
    )  # fmt: skip
    return out


def test_network_learns_and_scores_are_complete(tmp_path: Path) -> None:
    out = train(tmp_path, "run", steps=25)
    assert "real tiles and" in (out / "model/README.md").read_text()  # its card says what it learned from
    body = json.loads((out / "scores.json").read_text())
    about = {k: v for k, v in body.items() if k not in ("val", "test", "tiles")}
    assert about == {
        "generator": "real", "ratio": 0.0, "network": "tiny", "seed": 3, "steps": 25,
        "n_train": 8, "n_real": 8, "n_synthetic": 0,
    }  # fmt: skip
    for split in ("val", "test"):
        for found in (body[split], body["tiles"][split]):
            assert sum(map(sum, found["confusion"])) == 2 * shards.SIDE**2
    assert body["test"]["miou"] > 0.9
    table = pq.read_table(out / "predictions.parquet").to_pylist()
    assert [r["id"] for r in table] == ["test0", "test1"]
    assert codec.decode(table[0]["prediction"]).shape == (1, shards.SIDE, shards.SIDE)
    rows = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text().splitlines()]
    assert [r["step"] for r in rows] == list(range(1, 26))
    assert rows[-1]["loss"] < rows[0]["loss"]


def test_the_first_seed_has_maps_that_hold_what_was_scored(tmp_path: Path) -> None:
    assert not (train(tmp_path, "second", seeds=[0, 3]) / "maps").exists()
    out = train(tmp_path, "first", seeds=[3])
    assert [p.name for p in (out / "maps").iterdir()] == ["test.tif"]
    with rasterio.open(out / "maps/test.tif") as file:
        found, tags = file.read(1), file.tags()
    assert tags["LANDLOOM_NETWORK"] == "tiny"
    assert tags["LANDLOOM_SEED"] == "3"
    truth = np.hstack([s.mask_array() for s in samples.read(tmp_path / "test.parquet")])
    body = json.loads((out / "scores.json").read_text())
    assert scores.confusion(truth, found, 3).tolist() == body["test"]["confusion"]
    assert body["test"]["confusion"] != body["tiles"]["test"]["confusion"]


def test_a_network_with_weights_of_its_own_learns_otherwise_and_names_its_baseline(tmp_path: Path) -> None:
    own = NETWORKS["tiny"].model_copy(update={"class_weights": "inverse_sqrt", "baseline": "plain"})
    plain, weighted = (
        train(tmp_path, "plain"),
        train(tmp_path, "own", networks={"tiny": own, "plain": NETWORKS["tiny"]}),
    )
    whole = train(tmp_path, "all", class_weights="inverse_sqrt")
    told = [json.loads((out / "scores.json").read_text()) for out in (plain, weighted, whole)]
    assert [body.get("baseline") for body in told] == [None, "plain", None]
    weights = [digest(out / "model/model.safetensors") for out in (plain, weighted, whole)]
    assert weights[1] == weights[2] != weights[0]


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    assert digest(train(tmp_path, "a", seeds=[3])) == digest(train(tmp_path, "b", seeds=[3]))


def test_interrupted_training_ends_at_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(tmp_path, "whole", ema=0.9)
    steps = 0
    plain = SegmentationObjective.loss

    def killed(self: SegmentationObjective, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        nonlocal steps
        steps += 1
        if steps == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(self, module, index)

    monkeypatch.setattr(SegmentationObjective, "loss", killed)
    with pytest.raises(Interrupted) as stop:
        train(tmp_path, "cut", ema=0.9)
    assert stop.value.code == 75
    assert steps == 3
    assert not (tmp_path / "cut").exists()
    resumed = train(tmp_path, "cut", ema=0.9)
    assert steps == 6
    a, b = (networks.load(o / "model").state_dict() for o in (whole, resumed))
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert digest(whole) == digest(resumed)


def hold(patch: pytest.MonkeyPatch, tiles: int) -> None:
    """Let a training hold so many decoded tiles."""
    patch.setattr(held_tiles, "HELD_BYTES", held_tiles.tile_bytes(tiles, 3, shards.SIDE, "uint8"))


def test_streamed_tiles_give_the_same_weights_as_tiles_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "GROUP_ROWS", 3)
    whole = train(tmp_path, "whole", ema=0.9)
    hold(monkeypatch, 2)
    most, plain = [], TileDataset._keep

    def kept(self: TileDataset, index: int, tile: Tile) -> None:
        plain(self, index, tile)
        most.append(len(self.held))

    monkeypatch.setattr(TileDataset, "_keep", kept)
    assert digest(train(tmp_path, "streamed", ema=0.9)) == digest(whole)
    assert max(most) == 2


def test_a_streamed_training_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(monkeypatch, 2)
    test_interrupted_training_ends_at_the_same_weights(tmp_path, monkeypatch)


def test_unknown_network_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'other' is not there\. Use tiny"):
        segment.make(SegmentConfig(networks=NETWORKS), "other", shards.dataset())
