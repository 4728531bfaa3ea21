"""What the check says of maps."""

import json
from pathlib import Path
from typing import Any

import pytest
import shapely

from landloom.config.data import DataConfig
from tests import maps, rasters
from tests.rasters import GRID
from tests.stages.test_check import problems, run

NAMES = "abcdefgh"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight scenes of 48 x 32 pixels, 4096 pixels apart."""
    rasters.scenes(tmp_path, NAMES)
    return tmp_path


def row(scene: str, at: float = 5) -> shapely.LineString:
    """A road across a scene."""
    left = 4096 * NAMES.index(scene)
    return maps.line((left - 1, at), (left + 50, at))


def data(folder: Path, source: str = "roads.gpkg", text: str = maps.LEGEND, **more: Any) -> DataConfig:
    legend = maps.legend(folder, text)
    return rasters.config(folder, map={"source": str(folder / source), "legend": str(legend)}, **more)


def save(
    path: Path, lines: list[shapely.LineString], kinds: list[str] | None = None, crs: str = maps.CRS
) -> Path:
    return maps.save(
        path, lines, crs, highway=kinds or ["primary"] * len(lines), building=[None] * len(lines)
    )


def test_sound_maps_are_no_problem(folder: Path) -> None:
    save(folder / "roads.gpkg", [row(s) for s in NAMES], crs="EPSG:4326")
    assert run(folder, data(folder))["warnings"] == []


def test_scenes_without_a_road_and_tags_without_a_line_are_counted(folder: Path) -> None:
    kinds = ["primary"] * 6 + ["path", "path", "steps"]
    save(folder / "roads.gpkg", [row(s) for s in "abcdeh"] + [row("f"), row("g"), row("a", 9)], kinds)
    assert run(folder, data(folder))["warnings"] == [
        "the map draws nothing in 2 scenes, such as 'f'",
        f"3 features of the map have tags that {folder}/legend.csv does not draw: highway=path (2), "
        "highway=steps (1)",
    ]


def test_scenes_outside_of_what_one_file_spans_have_no_map(folder: Path) -> None:
    save(folder / "roads.gpkg", [row(s) for s in "abcde"])
    expected = "3 scenes have no map (none of the ground that the features span), such as 'f'"
    assert run(folder, data(folder))["warnings"] == [expected]


def test_scenes_without_a_file_have_no_map(folder: Path) -> None:
    for scene in "abc":
        save(folder / f"maps/{scene}.gpkg", [row(scene)])
    assert run(folder, data(folder, "maps/{scene}.gpkg"))["warnings"] == [
        "5 scenes have no map (no file), such as 'd'"
    ]


def test_a_map_of_another_place(folder: Path) -> None:
    save(folder / "roads.gpkg", [maps.line((0, 9000), (10, 9000))])
    (found,) = problems(folder, data(folder))
    assert "roads.gpkg: draws nothing in any of 8 scenes. Give a map of their ground" in found


def test_latitude_before_longitude(folder: Path) -> None:
    """34 degrees north, 127 east are fine either way round but for the poles; here they are found out."""
    turned = [{"type": "LineString", "coordinates": [[34.51, 127.36], [34.52, 127.37]]}]
    features = [
        {"type": "Feature", "properties": {"highway": "primary", "building": None}, "geometry": g}
        for g in turned
    ]
    (folder / "roads.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (found,) = problems(folder, data(folder, "roads.geojson"))
    assert "are no degrees of longitude and latitude" in found


def test_coordinates_that_are_swapped_on_ground_where_both_are_degrees(tmp_path: Path) -> None:
    """Around 48 degrees north, 9 degrees east nothing tells one from the other but the scenes."""
    from pyproj import Transformer

    place = {"crs": "EPSG:32632", "transform": GRID @ GRID.translation(15000, -150000)}
    for scene in "abc":
        rasters.save(tmp_path / f"images/{scene}.tif", rasters.noise(32, 48), **place)
        rasters.save(tmp_path / f"masks/{scene}.tif", rasters.halves(32, 48), **place)
    turn = Transformer.from_crs("EPSG:32632", 4326, always_xy=True)
    points = [turn.transform(*(place["transform"] @ p)) for p in ((0, 0), (40, 30))]
    line = {"type": "LineString", "coordinates": [[lat, lon] for lon, lat in points]}
    feature = {"type": "Feature", "properties": {"highway": "primary", "building": None}, "geometry": line}
    (tmp_path / "roads.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    config = data(tmp_path, "roads.geojson", split={"same_ground": "warning"})
    (found,) = problems(tmp_path, config)
    assert "with its coordinates swapped it would lie there. Write longitude" in found


def test_what_is_wrong_is_said_once_for_all_scenes(folder: Path) -> None:
    save(folder / "roads.gpkg", [row(s) for s in NAMES])
    text = "key,value,class\nhighway,primary,road\nbuilding,*,house\n"
    (found,) = problems(folder, data(folder, text=text))
    assert "line 2: highway=primary has no width_m, but lines or points of" in found
    assert "(7 more scenes, too). Give their width in metres" in found


def test_scenes_without_a_place(tmp_path: Path) -> None:
    for scene in "abc":
        rasters.save(tmp_path / f"images/{scene}.png", rasters.noise(32, 48))
        rasters.save(tmp_path / f"masks/{scene}.png", rasters.halves(32, 48))
    save(tmp_path / "roads.gpkg", [row("a")])
    sources = {"images": f"{tmp_path}/images/{{scene}}.png", "masks": f"{tmp_path}/masks/{{scene}}.png"}
    (found,) = problems(tmp_path, data(tmp_path, **sources))
    assert "scene 'a': has no place on the Earth, so it has no map (2 more scenes, too)" in found


def test_a_legend_that_is_wrong_comes_with_the_other_problems(folder: Path) -> None:
    save(folder / "roads.gpkg", [row(s) for s in NAMES])
    (folder / "masks/a.tif").unlink()
    found = problems(folder, data(folder, text="key,value,class\nhighway,,road\n,primary,road\n"))
    assert [f"legend.csv, line {n}: has no" in found[i] for i, n in ((-2, 2), (-1, 3))] == [True, True]
    assert "masks/a.tif" in found[0]
