import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landloom.config.data import Split
from landloom.errors import InputError
from landloom.scenes import naming
from landloom.scenes.discovery import (
    SceneFiles,
    discover,
    grouped,
    lacking,
    other_suffix,
    split_scenes,
    unpaired,
)
from landloom.scenes.splits import assign
from tests import rasters


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def named(*names: str) -> list[SceneFiles]:
    return [SceneFiles(n, (Path(f"{n}.tif"),), Path(f"{n}.png")) for n in names]


def test_wildcards_in_folders_and_files_name_the_scene(tmp_path: Path) -> None:
    touch(tmp_path, "Tile 2/images/part_001.jpg", "Tile 1/images/part_007.jpg", "Tile 1/images/notes.txt")
    data = rasters.config(
        images=f"{tmp_path}/Tile {{tile}}/images/part_{{part}}.jpg",
        masks=f"{tmp_path}/Tile {{tile}}/masks/part_{{part}}.png",
    )
    first, second = discover(data)
    assert (first.name, second.name) == ("1_007", "2_001")
    assert first.mask == tmp_path / "Tile 1/masks/part_007.png"  # not there: check reports it


def test_a_wildcard_that_stands_twice_must_have_one_value(tmp_path: Path) -> None:
    touch(tmp_path, "a/a.tif", "a/b.tif")
    data = rasters.config(images=f"{tmp_path}/{{s}}/{{s}}.tif", masks=f"{tmp_path}/{{s}}.png")
    assert [s.name for s in discover(data)] == ["a"]


def test_stacked_patterns_keep_their_order_and_miss_no_scene(tmp_path: Path) -> None:
    touch(tmp_path, "nir/a.tif", "red/a.tif", "red/b.tif")
    data = rasters.config(
        images=[f"{tmp_path}/nir/{{s}}.tif", f"{tmp_path}/red/{{s}}.tif"], masks=f"{tmp_path}/{{s}}.png"
    )
    found = discover(data)
    assert [s.name for s in found] == ["a", "b"]
    assert found[1].images == (tmp_path / "nir/b.tif", tmp_path / "red/b.tif")


def test_files_that_patterns_miss_are_found(tmp_path: Path) -> None:
    touch(tmp_path, "i/a.tif", "i/b.TIF", "i/c.png", "m/a.png", "m/b.png")
    data = rasters.config(images=f"{tmp_path}/i/{{s}}.tif", masks=f"{tmp_path}/m/{{s}}.png")
    assert unpaired(data) == [tmp_path / "m/b.png"]
    assert other_suffix(data) == [tmp_path / "i/b.TIF"]
    wild = rasters.config(images=f"{tmp_path}/i/{{s}}.{{e}}", masks=f"{tmp_path}/m/{{s}}_{{e}}.png")
    assert (unpaired(wild), other_suffix(wild)) == ([], [])
    listed = rasters.config(scenes=[{"name": "a", "images": ["a.tif"], "mask": "a.png"}])
    assert (unpaired(listed), other_suffix(listed)) == ([], [])


def test_no_match_names_pattern_and_nearest_folder(tmp_path: Path) -> None:
    touch(tmp_path, "imagery/a.tif")
    data = rasters.config(images=f"{tmp_path}/images/deep/{{s}}.tif", masks=f"{tmp_path}/{{s}}.png")
    with pytest.raises(
        InputError, match=r"images/deep/\{s\}\.tif'.*with imagery in it.*Fix the pattern"
    ) as error:
        discover(data)
    assert f"folder that exists is '{tmp_path}'" in str(error.value)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("-74_40", "-74_40"), ("A\u0308cker", "Äcker"), ("北京 1", "北京 1"), (" a ", " a "),
        ("दिल्ली", "दिल्ली"),
        ("Área 1 (norte)#2", "Área 1 (norte)#2"), ("a'b$(c)\"|%20,;", "a'b$(c)\"|%20,;"), ("@x", "@x"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
    ],
)  # fmt: skip
def test_names_are_kept_as_they_are(tmp_path: Path, file: str, name: str) -> None:
    touch(tmp_path, f"{file}.tif")
    (scene,) = discover(rasters.config(images=f"{tmp_path}/{{s}}.tif", masks=f"{tmp_path}/{{s}}.png"))
    assert (scene.name, scene.images[0].stem) == (name, file)


def test_a_name_that_no_list_can_hold_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a\nb.tif")
    data = rasters.config(images=f"{tmp_path}/{{s}}.tif", masks=f"{tmp_path}/{{s}}.png")
    with pytest.raises(InputError, match=r"data.images: the name of scene 'a\\nb' holds '\\n'.*Rename it"):
        discover(data)


def test_a_shard_of_one_scene_bears_its_name_coded() -> None:
    scenes = named("a", ".b", "Á 1", "x" * 300)
    assert list(grouped(scenes, 1).values()) == [[s.name] for s in scenes]
    assert list(grouped(scenes, 1))[:3] == ["a", "~2Eb", "Á~201"]
    assert list(grouped(scenes, 4)) == ["00000"]


def test_two_scenes_with_one_name_are_an_error(tmp_path: Path) -> None:
    """Accents count as one sign, however each file spells them."""
    touch(tmp_path, "\u00c1 1.tif", "A\u0301 1.tif")
    data = rasters.config(images=f"{tmp_path}/{{s}}.tif", masks=f"{tmp_path}/{{s}}.png")
    with pytest.raises(InputError, match=r"two scenes are called '\u00c1 1'.*Rename"):
        discover(data)


def test_names_that_differ_in_capitals_alone_need_files_that_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.tif", "A.tif", "b.tif")
    data = rasters.config(images=f"{tmp_path}/{{s}}.tif", masks=f"{tmp_path}/{{s}}.png")
    assert [s.name for s in discover(data)] == ["A", "a", "b"]
    monkeypatch.setattr(naming, "takes_capitals_for_small", lambda _: True)
    with pytest.raises(InputError, match=r"'A' and 'a' differ in capitals alone"):
        discover(data)


def test_a_pattern_of_a_split_takes_the_scene_of_that_very_name() -> None:
    scenes = named("a[1]", "a1", "\u00c4", "b")
    split = Split(val=["a[1]"], test=["A\u0308*"])
    assert split_scenes(scenes, split) == {"a[1]": "val", "a1": "train", "\u00c4": "test", "b": "train"}


@pytest.mark.parametrize(
    ("images", "masks", "message"),
    [
        ("a.tif", "a.png", "no wildcard.*data.scenes"),
        ("{s}.tif", "{t}.png", "data.masks.*wildcards t.*has s.*same wildcards"),
        ("{s}/{.tif", "{s}.png", "brace"),
    ],
)
def test_wrong_patterns_say_what_to_write(images: str, masks: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        discover(rasters.config(images=images, masks=masks))


def test_csv_manifest(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(
        "scene,image,mask,split\nx,b4.tif;b3.tif,m.png,val\ny,/far/y.tif,n.png,\n"
    )
    x, y = discover(rasters.config(manifest=str(tmp_path / "m.csv")))
    assert x == SceneFiles("x", (tmp_path / "b4.tif", tmp_path / "b3.tif"), tmp_path / "m.png", "val")
    assert (y.images, y.split) == ((Path("/far/y.tif"),), None)


def test_geojson_manifest(tmp_path: Path) -> None:
    features = [
        {"type": "Feature", "geometry": None, "properties": {"scene": 7, "image": "a.tif", "mask": "a.png"}}
    ]
    (tmp_path / "m.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (scene,) = discover(rasters.config(manifest=str(tmp_path / "m.geojson")))
    assert (scene.name, scene.mask) == ("7", tmp_path / "a.png")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scene,image\nx,a.tif\n", "entry 1: 'mask' is missing"),
        (
            "scene,image,mask,split\nx,a,b,training\n",
            "split is 'training'.*Write train, val, test or unlabelled",
        ),
        ("scene,image,mask\n", "no scene is listed"),
    ],
)
def test_wrong_manifests_name_the_entry(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        discover(rasters.config(manifest=str(tmp_path / "m.csv")))


def test_scenes_of_the_config() -> None:
    listed = [{"name": "north", "images": ["r.tif", "g.tif"], "mask": "m.tif", "split": "test"}]
    assert discover(rasters.config(scenes=listed)) == [
        SceneFiles("north", (Path("r.tif"), Path("g.tif")), Path("m.tif"), "test")
    ]


def test_days_that_names_hold(tmp_path: Path) -> None:
    table = "scene,image,mask,acquired\nx_20240901,a,b,\ny_20240230,c,d,\nz_20240101,e,f,2020-05-05\n"
    (tmp_path / "m.csv").write_text(table)
    data = rasters.config(manifest=str(tmp_path / "m.csv"), day_in_name="%Y%m%d")
    assert [s.acquired for s in discover(data)] == ["2024-09-01", None, "2020-05-05"]


def test_place_and_pixel_size_of_a_manifest_and_of_the_config(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("scene,image,mask,lon,lat,gsd\nx,a,b,-3.5,50,0.3\n")
    (x,) = discover(rasters.config(manifest=str(tmp_path / "m.csv")))
    assert (x.lon, x.lat, x.gsd) == (-3.5, 50, 0.3)
    listed = {"name": "x", "images": ["a"], "mask": "b", "lon": 0, "lat": 0, "gsd": 2}
    (found,) = discover(rasters.config(scenes=[listed]))
    assert (found.lon, found.lat, found.gsd) == (0, 0, 2)


def test_day_and_cloud_of_a_manifest_and_of_the_config(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("scene,image,mask,acquired,cloud\nx,a,b,20240901,0.5\ny,c,d,,\n")
    x, y = discover(rasters.config(manifest=str(tmp_path / "m.csv")))
    assert (x.acquired, x.cloud, y.acquired, y.cloud) == ("2024-09-01", 0.5, None, None)
    listed = [{"name": "x", "images": ["a"], "mask": "b", "acquired": "2024-09-01", "cloud": 0}]
    (found,) = discover(rasters.config(scenes=listed))
    assert (found.acquired, found.cloud) == ("2024-09-01", 0)


def test_patterns_and_shares_go_together() -> None:
    split = Split(test=["6_*", "7_*"], val=0.5)
    found = split_scenes(named("1_1", "2_1", "6_1", "6_2", "7_1"), split)
    assert [found[n] for n in ("6_1", "6_2", "7_1")] == ["test"] * 3
    assert sorted(found[n] for n in ("1_1", "2_1")) == ["train", "val"]


def test_a_pattern_that_matches_nothing_lists_the_names() -> None:
    with pytest.raises(
        InputError, match=r"data.split.test: 'area9\*': matches no scene.*called area1, area2"
    ):
        split_scenes(named("area1", "area2"), Split(test=["area9*"]))


def test_a_scene_in_two_splits_is_an_error() -> None:
    with pytest.raises(InputError, match="scene 'a1' is in val already"):
        split_scenes(named("a1", "b1"), Split(val=["a*"], test=["*1"]))


def test_manifest_split_needs_the_column() -> None:
    with pytest.raises(InputError, match=r"split.by: manifest.*scene 'a' has no split"):
        split_scenes(named("a"), Split(by="manifest"))


def test_blocks_are_divided_inside_scenes() -> None:
    assert split_scenes(named("a"), Split(by="block")) == {"a": "block"}


@pytest.mark.parametrize(
    ("count", "expected"), [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (20, (13, 3, 4))]
)
def test_counts_are_exact_and_train_is_never_empty(count: int, expected: tuple[int, int, int]) -> None:
    found = list(assign([f"s{i}" for i in range(count)], 0.15, 0.2, seed=0).values())
    assert tuple(found.count(s) for s in ("train", "val", "test")) == expected


@given(
    st.sets(st.text("abc", min_size=1), min_size=1), st.integers(0, 5), st.floats(0, 0.4), st.floats(0, 0.4)
)
def test_assignment_depends_on_names_not_on_order(keys: set[str], seed: int, val: float, test: float) -> None:
    forward = assign(sorted(keys), val, test, seed)
    assert forward == assign(sorted(keys, reverse=True), val, test, seed)
    assert forward.keys() == keys


def test_import_is_light() -> None:
    code = "import sys, landloom.scenes.discovery; print({'rasterio', 'numpy', 'pandas'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "set()\n"
    )


def test_dubai() -> None:
    folder = rasters.real("dubai-seg6")
    data = rasters.config(
        images=f"{folder}/Tile {{tile}}/images/image_part_{{part}}.jpg",
        masks=f"{folder}/Tile {{tile}}/masks/image_part_{{part}}.png",
        split={"val": ["5_*"], "test": ["6_*", "7_*"]},
    )
    found = discover(data)
    labels = list(split_scenes(found, data.split).values())
    assert (len(found), all(s.mask.exists() for s in found)) == (72, True)
    assert [labels.count(s) for s in ("train", "val", "test")] == [45, 9, 18]


def test_an_image_is_not_its_own_mask(tmp_path: Path) -> None:
    touch(tmp_path, "a.tif")
    data = rasters.config(images=f"{tmp_path}/{{s}}.tif", masks=f"{tmp_path}/{{s}}.tif")
    with pytest.raises(InputError, match=r"scene 'a' has .*a\.tif as its image and as its mask"):
        discover(data)


def test_masks_beside_their_images_are_no_scenes(tmp_path: Path) -> None:
    touch(tmp_path, "a.tif", "a_mask.tif", "b.tif", "b_mask.tif", "c.tif")
    found = discover(rasters.config(images=f"{tmp_path}/{{s}}.tif", masks=f"{tmp_path}/{{s}}_mask.tif"))
    assert [s.name for s in found] == ["a", "b", "c"]


def test_other_spellings_of_a_suffix_are_seen(tmp_path: Path) -> None:
    touch(tmp_path, "a.tif", "b.tiff", "c.Tif", "d.png", "e.b.tif")
    data = rasters.config(images=f"{tmp_path}/{{s}}.tif", masks=f"{tmp_path}/m/{{s}}.png")
    assert other_suffix(data) == [tmp_path / "b.tiff", tmp_path / "c.Tif"]
    both = rasters.config(
        images=[f"{tmp_path}/{{s}}.tif", f"{tmp_path}/{{s}}.tiff"], masks=f"{tmp_path}/m/{{s}}.png"
    )
    assert other_suffix(both) == [tmp_path / "c.Tif"]


def test_why_a_path_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "link.tif").symlink_to("/nowhere/a.tif")
    assert lacking(tmp_path / "link.tif") == "is a link to /nowhere/a.tif, which does not exist"
    assert lacking(tmp_path) == "is a folder, not a file"
    assert lacking(tmp_path / "gone.tif") == "does not exist"
