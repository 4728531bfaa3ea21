"""Scenes without labels, and shares of labels."""

from itertools import pairwise
from pathlib import Path

import pytest

from landloom.config.data import Split
from landloom.errors import InputError
from landloom.scenes.discovery import (
    SceneFiles,
    discover,
    divided,
    split_scenes,
)
from tests import rasters
from tests.scenes.test_discovery import named, touch


def test_a_labelled_share_is_drawn_once_and_nested() -> None:
    scenes = named(*(f"s{i:02}" for i in range(40)))

    def kept(share: float, seed: int = 0) -> tuple[set[str], dict[str, str]]:
        labels = split_scenes(scenes, Split(labelled=share, seed=seed))
        return {n for n, s in labels.items() if s == "train"}, labels

    found = {share: kept(share) for share in (0.01, 0.1, 0.25, 0.5, 1.0)}
    assert [len(names) for names, _ in found.values()] == [1, 3, 7, 13, 26]  # of 40 less 6 and 8
    assert all(a < b for (a, _), (b, _) in pairwise(found.values()))
    assert kept(0.25) == found[0.25]
    assert kept(0.25, seed=1)[0] != found[0.25][0]
    whole = found[1.0][1]
    assert "unlabelled" not in whole.values()
    for name, label in found[0.25][1].items():
        assert label == whole[name] or (label, whole[name]) == ("unlabelled", "train")


def test_scenes_without_a_share_of_labels_lose_their_masks(tmp_path: Path) -> None:
    touch(tmp_path, *(f"i/{n}.tif" for n in "abcdefgh"))
    data = rasters.config(
        images=f"{tmp_path}/i/{{s}}.tif", masks=f"{tmp_path}/m/{{s}}.png",
        split={"val": ["a"], "test": ["b"], "labelled": 0.34},
    )  # fmt: skip
    scenes, labels = divided(data)
    assert sorted(labels.values()) == ["test", *["train"] * 2, *["unlabelled"] * 4, "val"]
    assert {s.name for s in scenes if s.mask is None} == {n for n, s in labels.items() if s == "unlabelled"}


@pytest.mark.parametrize("by", ["scene", "manifest", "block"])
def test_unlabelled_scenes_stay_so_however_the_others_are_divided(tmp_path: Path, by: str) -> None:
    touch(tmp_path, "u/x.tif", "u/y.tif")
    (tmp_path / "m.csv").write_text(
        "scene,image,mask,split\na,a.tif,a.png,train\nb,b.tif,b.png,val\nc,c.tif,,unlabelled\n"
    )
    data = rasters.config(
        manifest=f"{tmp_path}/m.csv", unlabelled=f"{tmp_path}/u/{{scene}}.tif", split={"by": by}
    )
    scenes, labels = divided(data)
    assert [(s.name, s.mask is None) for s in scenes] == [
        ("a", False), ("b", False), ("c", True), ("x", True), ("y", True),
    ]  # fmt: skip
    assert {n for n, s in labels.items() if s == "unlabelled"} == {"c", "x", "y"}


def test_stacked_unlabelled_patterns(tmp_path: Path) -> None:
    touch(tmp_path, "a.tif", "red/x.tif", "nir/x.tif")
    data = rasters.config(
        images=f"{tmp_path}/{{s}}.tif", masks=f"{tmp_path}/m/{{s}}.png",
        unlabelled=[f"{tmp_path}/nir/{{s}}.tif", f"{tmp_path}/red/{{s}}.tif"],
    )  # fmt: skip
    assert discover(data)[1] == SceneFiles(
        "x", (tmp_path / "nir/x.tif", tmp_path / "red/x.tif"), None, "unlabelled"
    )


@pytest.mark.parametrize(
    ("unlabelled", "message"),
    [
        ("i/{s}.tif", "2 files of unlabelled scenes .* such as .*a.tif of 'a', which is an image of.*Take"),
        ("i/../i/{s}.tif", "2 files of unlabelled scenes"),
        ("m/{s}_x.png", "1 files of unlabelled scenes .*a_x.png of 'a', which is the mask of 'a'"),
        ("u/{s}.tif", r"data.images and data.unlabelled: two scenes are called 'b': .*i/b.tif and .*u/b.tif"),
        ("v/{s}.tif", r"data.unlabelled: no file matches"),
        ("u/b.tif", r"data.unlabelled: .*no wildcard"),
    ],
)  # fmt: skip
def test_unlabelled_scenes_are_scenes_of_their_own(tmp_path: Path, unlabelled: str, message: str) -> None:
    touch(tmp_path, "i/a.tif", "i/b.tif", "m/a_x.png", "u/b.tif")
    data = rasters.config(
        images=f"{tmp_path}/i/{{s}}.tif", masks=f"{tmp_path}/m/{{s}}_x.png",
        unlabelled=f"{tmp_path}/{unlabelled}",
    )  # fmt: skip
    with pytest.raises(InputError, match=message):
        discover(data)


def test_a_mask_may_be_missing_only_where_it_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="scene 'a' has no mask; give it, or say split: unlabelled"):
        rasters.config(scenes=[{"name": "a", "images": ["a.tif"]}])
    scenes = [{"name": "a", "images": ["a.tif"], "split": "unlabelled"}]
    assert discover(rasters.config(scenes=scenes))[0].mask is None
    (tmp_path / "m.csv").write_text("scene,image,mask,split\na,a.tif,,train\n")
    with pytest.raises(InputError, match=r"'mask' is missing.*split unlabelled need none"):
        discover(rasters.config(manifest=f"{tmp_path}/m.csv"))
