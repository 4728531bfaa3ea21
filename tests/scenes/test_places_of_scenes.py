"""Scenes of one place: how they are named, and that splits keep them together."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landloom.config.data import Split
from landloom.errors import InputError
from landloom.scenes.discovery import (
    SceneFiles,
    discover,
    split_scenes,
)
from landloom.scenes.splits import assign
from tests import rasters
from tests.scenes.test_discovery import named, touch


def dated(place: str | None, *names: str, split: str | None = None) -> list[SceneFiles]:
    return [SceneFiles(n, (Path(f"{n}.tif"),), Path(f"{n}.png"), split, place=place) for n in names]


def test_a_wildcard_names_the_place(tmp_path: Path) -> None:
    touch(tmp_path, "i/farm_2015.tif", "i/farm_2017.tif", "u/lake_2015.tif")
    data = rasters.config(
        images=f"{tmp_path}/i/{{place}}_{{day}}.tif",
        masks=f"{tmp_path}/m/{{place}}_{{day}}.png",
        unlabelled=f"{tmp_path}/u/{{place}}_{{day}}.tif",
    )
    found = [(s.name, s.place) for s in discover(data)]
    assert found == [("farm_2015", "farm"), ("farm_2017", "farm"), ("lake_2015", "lake")]


def test_a_manifest_and_the_config_name_places(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("scene,image,mask,Place\nx,x.tif,x.png,farm\ny,y.tif,y.png,\n")
    data = rasters.config(manifest=str(tmp_path / "s.csv"))
    assert [s.place for s in discover(data)] == ["farm", None]
    scene = {"name": "a", "images": ["a.tif"], "mask": "a.png"}
    assert discover(rasters.config(scenes=[scene | {"place": "cafe\u0301"}]))[0].place == "caf\u00e9"
    with pytest.raises(InputError, match=r"data\.scenes 'a', place: 'unknown' is no name of a place"):
        discover(rasters.config(scenes=[scene | {"place": "unknown"}]))


@given(
    st.lists(st.sampled_from([*"pqrst", None]), min_size=1, max_size=24),
    st.integers(0, 9), st.floats(0, 0.4), st.floats(0, 0.4), st.floats(0.1, 1),
)  # fmt: skip
def test_scenes_of_a_place_stay_together_and_shares_are_of_places(
    places: list[str | None], seed: int, val: float, test: float, labelled: float
) -> None:
    scenes = [s for i, p in enumerate(places) for s in dated(p, f"s{i}")]
    found = split_scenes(scenes, Split(val=val, test=test, seed=seed, labelled=labelled))
    each = {s.ground: found[s.name] for s in scenes}
    assert all(found[s.name] == each[s.ground] for s in scenes)
    dealt = assign(sorted(each), val, test, seed)
    assert {k for k, v in each.items() if v in ("val", "test")} == {k for k in dealt if dealt[k] != "train"}


def test_a_scene_of_the_name_of_a_place_is_another_one() -> None:
    """Each of nine has its own draw, so not all nine pairs can be dealt alike."""
    pairs = [s for i in range(9) for s in [*dated(f"p{i}", f"s{i}"), *named(f"p{i}")]]
    found = split_scenes(pairs, Split(val=0.2, test=0.3))
    assert any(found[f"s{i}"] != found[f"p{i}"] for i in range(9))


@pytest.mark.parametrize(
    ("scenes", "split", "message"),
    [
        (
            [*dated("farm", "a", split="train"), *dated("farm", "b", split="test")],
            Split(by="manifest"),
            r"data\.split: place 'farm' is in train \('a'\) and in test \('b'\)",
        ),
        (
            [*dated("farm", "a", split="val"), *dated("farm", "b", split="test")],
            Split(by="manifest"),
            "in val .* in test",
        ),
        (
            dated("farm", "a", "b", "c"),
            Split(val=["a"], test=0.0),
            r"place 'farm' is in val \('a'\) and in train \('b'\)\. Put all scenes of a place into one",
        ),
        (
            [*dated("farm", "a", split="unlabelled"), *dated("farm", "b", split="test")],
            Split(by="manifest"),
            "in unlabelled .* in test",
        ),
    ],
)
def test_a_place_is_not_parted(scenes: list[SceneFiles], split: Split, message: str) -> None:
    with pytest.raises(InputError, match=message):
        split_scenes(scenes, split)


def test_an_unlabelled_day_may_lie_beside_train() -> None:
    scenes = [*dated("farm", "a", split="unlabelled"), *dated("farm", "b", split="train")]
    assert split_scenes(scenes, Split(by="manifest")) == {"a": "unlabelled", "b": "train"}
    blocks = [*dated("farm", "a", split="unlabelled"), *dated("farm", "b")]
    assert split_scenes(blocks, Split(by="block", block=64)) == {"a": "unlabelled", "b": "block"}
