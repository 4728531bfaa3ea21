import json
from pathlib import Path
from typing import Any

import pytest

from landloom.errors import InputError
from landloom.scenes.manifest import entries

FULL = {"scene": "x", "image": "b4.tif;b3.tif", "mask": "m.png", "split": "val"}


def read(path: Path, content: str | bytes) -> list[dict[str, str]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [values for _, values in entries(path)]


def features(*properties: Any) -> str:
    found = [{"type": "Feature", "geometry": None, "properties": p} for p in properties]
    return json.dumps({"type": "FeatureCollection", "features": found})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.csv", "scene,image,mask,split\nx,b4.tif;b3.tif,m.png,val\n"),
        ("m.csv", 'scene;image;mask;split\nx;"b4.tif;b3.tif";m.png;val\n'),
        ("m.csv", "scene\timage\tmask\tsplit\nx\tb4.tif;b3.tif\tm.png\tval\n"),
        ("m.tsv", "scene\timage\tmask\tsplit\nx\tb4.tif;b3.tif\tm.png\tval\n"),
        ("m.CSV", "Scene, IMAGE ,Mask,Split\r\nx,b4.tif;b3.tif, m.png,Val\r\n"),
        ("m.csv", "\ufeffscene,image,mask,split\nx,b4.tif;b3.tif,m.png,val\n"),
        ("m.csv", "scene\timage\tmask\tsplit\nx\tb4.tif;b3.tif\tm.png\tval\n".encode("utf-16")),
        ("m.csv", "note,scene,image,mask,split\n,x,b4.tif;b3.tif,m.png,val\n,,,,\n"),
        ("m.csv", 'sep=;\r\nscene;image;mask;split\r\nx;"b4.tif;b3.tif";m.png;val\r\n'),
        ("m.csv", 'scene, image, mask, split\nx, "b4.tif;b3.tif", "m.png", "val"\n'),
        ("m.csv", "scene,image,mask,split,wkt\nx,b4.tif;b3.tif,m.png,val," + "1 2 " * 50_000 + "\n"),
        ("m.geojson", features(FULL | {"image": ["b4.tif", "b3.tif"]})),
        ("m.geojson", features(FULL)),
        ("m.JSON", "\ufeff" + features({k.upper(): v for k, v in FULL.items()})),
    ],
)
def test_tables_as_programs_write_them(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert read(tmp_path / name, content) == [FULL]


def test_a_scene_may_be_called_0(tmp_path: Path) -> None:
    (found,) = read(tmp_path / "m.geojson", features({"scene": 0, "image": "a", "mask": "b", "split": None}))
    assert (found["scene"], found["split"]) == ("0", "")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", "id,image,mask\nx,a,b\n", "'scene' is missing; the columns found are id, image, mask"),
        ("m.csv", "id image mask\nx a b\n", "the columns found are id image mask"),
        ("m.csv", "scene;image;mask\nx;a;b;c\n", "entry 1: it has more cells.*Quote cells"),
        ("m.geojson", features(None), "entry 1: 'scene' is missing; the columns found are none"),
        ("m.geojson", '{"features": [3]}', "not a GeoJSON FeatureCollection"),
        ("m.csv", "scene,image,mask\nx,\u00e4.tif,b\n".encode("cp1252"), "not UTF-8.*'CSV UTF-8'"),
        ("m.xlsx", "", "neither CSV nor GeoJSON"),
    ],
)
def test_what_cannot_be_read_is_shown(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path / name, content)


def test_day_and_cloud_may_be_given(tmp_path: Path) -> None:
    table = "scene,image,mask,acquired,cloud\nx,a,b,2024-09-01,0.25\ny,a,b,,\n"
    one, other = read(tmp_path / "m.csv", table)
    assert (one["acquired"], one["cloud"]) == ("2024-09-01", "0.25")
    assert not {"acquired", "cloud"} & set(other)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("2024-13-01,0.2", r"m\.csv, entry 1, acquired: '2024-13-01' is no date"),
        ("2024-12-01,40", r"m\.csv, entry 1, cloud: '40' is no share of cloud\. Give 0 to 1, not per cent"),
    ],
)
def test_a_bad_day_or_cloud_names_entry_and_column(tmp_path: Path, values: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path / "m.csv", f"scene,image,mask,acquired,cloud\nx,a,b,{values}\n")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("200,10,1", r"entry 1, lon: '200' is not that\. Give degrees east of its centre from -180 to 180"),
        ("10,x,1", r"entry 1, lat: 'x' is not that\. Give degrees north"),
        ("10,50,0", r"entry 1, gsd: '0' is not that\. Give metres of the ground"),
        ("10,,1", r"entry 1: only one of lon and lat is given\. Give both"),
    ],
)
def test_a_bad_place_names_entry_and_column(tmp_path: Path, values: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path / "m.csv", f"scene,image,mask,lon,lat,gsd\nx,a,b,{values}\n")
