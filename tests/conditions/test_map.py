from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from landloom.conditions import registry
from landloom.conditions.base import Host
from landloom.conditions.map import Map
from landloom.config.encode import EncodeConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.map import KeptMapConfig
from landloom.data import map_layer, samples
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from tests import bases

EMPTY, ROAD = np.zeros((2, 4, 4), np.uint8), np.zeros((2, 4, 4), np.uint8)
ROAD[0, 1] = 254
ROAD[1, 3] = 127


def made(dropout: float = 0.1) -> Map:
    return Map(["road", "house"], 4, dropout)


def sample(drawn: Any, name: str = "a") -> Sample:
    return Sample(name, layers=map_layer.layers(drawn))


def mapped(size: int = bases.SIDE) -> Statistics:
    return bases.dataset(size).model_copy(update={"map": ["road", "house"]})


def test_shares_are_channels_and_a_last_one_says_where_they_are_known() -> None:
    own = made()
    assert own.channels == ["road", "house", "known"]
    partly = ROAD.copy()
    partly[:, :, 3] = 255
    told = own.load([sample(ROAD), sample(EMPTY), sample(partly), Sample("none")])
    assert own.module is not None
    shown = own.module(told)
    assert shown.shape == (4, 3, 4, 4)
    assert shown[0, 0, 1].tolist() == [1] * 4
    assert shown[0, 1, 3].tolist() == [0.5] * 4
    assert shown[:2, 2].eq(1).all()
    assert not shown[1, :2].any()  # empty is known
    assert shown[2, :, 1].T.tolist() == [[1, 0, 1]] * 3 + [[0, 0, 0]]
    assert not shown[3].any()  # absent is not
    assert own.untold(told).tolist() == [False, False, False, True]


def test_a_sample_without_a_map_is_refused_where_training_always_showed_one() -> None:
    with pytest.raises(
        InputError, match=r"t1: has no map, which the condition 'map' of the model always was told"
    ):
        made(dropout=0).load([Sample("t1")])


@pytest.mark.parametrize(
    "drawn", [np.zeros((3, 4, 4), np.uint8), np.zeros((2, 8, 8), np.uint8), EMPTY.astype(np.uint16)]
)
def test_another_legend_or_grid_is_refused(drawn: Any) -> None:
    with pytest.raises(InputError, match=r"t1: its map is .*, but the model learned uint8 of \(2, 4, 4\)"):
        made().load([sample(drawn, "t1")])


def with_maps(folder: Path) -> tuple[list[Path], list[np.ndarray[Any, Any]]]:
    """Tiles of which all but one have a map, and the maps of the train tiles."""
    rng, shards, drawn = np.random.default_rng(5), [], []
    for number, shard in enumerate(bases.tiles(folder)):
        rows = list(samples.read(shard))
        for row in rows:
            lost = (number, row.id) == (0, "a2")
            own = np.full((2, bases.SIDE, bases.SIDE), 255 if lost else rng.integers(0, 255), np.uint8)
            row.layers = [] if lost else map_layer.layers(own)
            drawn += [own] if row.split == "train" else []
        shards.append(folder / f"mapped-{number}.parquet")
        samples.write(shards[-1], rows, samples.metadata(shard))
    return shards, drawn


def test_encode_keeps_the_maps_of_train_tiles_in_their_order(tmp_path: Path) -> None:
    shards, drawn = with_maps(tmp_path)
    kept = registry.recorded(EncodeConfig(map=KeptMapConfig()), mapped(), shards)["map"]
    assert torch.equal(kept, torch.from_numpy(np.stack(drawn)))
    assert kept.dtype == torch.uint8
    assert "map" not in registry.recorded(EncodeConfig(), mapped(), shards)
    none = registry.recorded(EncodeConfig(map=KeptMapConfig()), mapped(), [])["map"]
    assert none.shape == (0, 2, bases.SIDE, bases.SIDE)


def test_training_tells_it_where_it_is_switched_on() -> None:
    def told(section: dict[str, Any], dataset: Statistics) -> Any:
        host = Host(dataset, "caption", torch.zeros(1, 7, 32), 64)
        return registry.told(ImageTrainConfig.model_validate(section), host).members.get("map")

    assert told({}, mapped()) is None
    found = told({"map": {"dropout": 0.25}}, mapped())
    assert (found.dropout, found.classes, found.size) == (0.25, ["road", "house"], bases.SIDE)
    assert told({"map": {}}, mapped()).dropout == 0.1
    with pytest.raises(InputError, match=r"image_train\.map: the tiles have no map"):
        told({"map": {}}, bases.dataset())
