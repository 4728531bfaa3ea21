"""What a legend draws of a source."""

from pathlib import Path

import pytest
import shapely
from pyproj import Transformer

from landloom.errors import InputError
from landloom.raster import map_features, map_legend
from landloom.raster.map_features import MapFeatures
from tests import maps, openstreetmap
from tests.rasters import GRID

BOUNDS = (350_000.0, 3_819_500.0, 350_500.0, 3_820_000.0)


def read(source: Path, text: str = maps.LEGEND, layer: str | None = None) -> MapFeatures:
    legend = map_legend.read(maps.legend(source.parent, text))
    return map_features.read(source, layer, legend, BOUNDS, maps.CRS)


def test_what_is_drawn_comes_in_the_order_of_the_legend(tmp_path: Path) -> None:
    shapes = [
        maps.line((0, 5), (9, 5)),
        maps.box(1, 1, 3, 3),
        maps.line((5, 0), (5, 9)),
        maps.box(6, 6, 8, 8),
    ]
    tags = {"highway": ["primary", None, "primary", None], "building": [None, "yes", None, "church"]}
    found = read(maps.save(tmp_path / "a.gpkg", shapes, **tags))
    assert found.entries.tolist() == [0, 0, 1, 1]  # houses first, roads over them
    assert [s.geom_type for s in found.shapes] == ["Polygon", "Polygon", "LineString", "LineString"]
    assert (found.unknown, found.others) == ({}, 0)


def test_what_the_legend_does_not_list_is_counted(tmp_path: Path) -> None:
    shapes = [maps.line((i, 0), (i, 9)) for i in range(6)]
    tags = {
        "highway": ["primary", "path", "path", "steps", None, None],
        "building": [None] * 4 + ["no", None],
    }
    found = read(maps.save(tmp_path / "a.gpkg", shapes, **tags))
    assert found.unknown == {"highway=path": 2, "highway=steps": 1, "building=no": 1}
    assert (found.others, len(found.shapes)) == (1, 1)


def test_one_feature_may_be_two_things(tmp_path: Path) -> None:
    found = read(
        maps.save(tmp_path / "a.gpkg", [maps.box(0, 0, 2, 2)], highway=["primary"], building=["yes"])
    )
    assert found.entries.tolist() == [0, 1]


def test_numbers_are_read_as_they_are_written(tmp_path: Path) -> None:
    text = "key,value,class,width_m\nlanes,2,wide,8\nkind,7,odd,4\n"
    shapes = [maps.line((0, 0), (5, 5))] * 3
    found = read(maps.save(tmp_path / "a.gpkg", shapes, lanes=[2.0, 1.0, None], kind=[1, 7, 7]), text)
    assert found.entries.tolist() == [0, 1, 1]
    assert found.unknown == {"lanes=1": 1, "kind=1": 1}


def test_parts_are_taken_apart_and_left_overs_of_repairs_dropped(tmp_path: Path) -> None:
    spike = [(0, 0), (4, 0), (4, 4), (8, 4), (4, 4), (0, 4)]  # an area with a line that sticks out of it
    shapes = [
        shapely.Polygon([GRID @ p for p in spike]),
        shapely.MultiPolygon([maps.box(10, 0, 12, 2), maps.box(14, 0, 16, 2)]),
    ]
    found = read(
        maps.save(tmp_path / "a.gpkg", shapes, building=["yes", "yes"]), "key,value,class\nbuilding,*,house\n"
    )
    assert [s.geom_type for s in found.shapes] == ["Polygon"] * 3
    assert sum(s.area for s in found.shapes) == pytest.approx((16 + 4 + 4) * 100)


def test_lines_and_points_need_a_width(tmp_path: Path) -> None:
    shapes = [maps.line((0, 0), (5, 5)), shapely.Point(GRID @ (3, 3)), maps.box(1, 1, 3, 3)]
    file = maps.save(tmp_path / "a.gpkg", shapes, building=["yes", "yes", "yes"])
    message = (
        r"legend\.csv, line 2: building=\* has no width_m, but lines or points of .*a\.gpkg have this tag"
    )
    with pytest.raises(InputError, match=message):
        read(file, "key,value,class\nbuilding,*,house\n")


def test_a_key_that_no_layer_has(tmp_path: Path) -> None:
    file = maps.save(tmp_path / "a.gpkg", [maps.line((0, 0), (5, 5))], road_class=["primary"])
    with pytest.raises(
        InputError, match=r"has no attribute building, highway, which the legend .* It has road_class"
    ):
        read(file)


def test_all_layers_are_read_unless_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.gpkg"
    maps.save(file, [maps.line((0, 0), (5, 5))], layer="roads", highway=["primary"])
    maps.save(file, [maps.box(0, 0, 2, 2)], layer="houses", building=["yes"])
    assert read(file).entries.tolist() == [0, 1]
    text = "key,value,class\nbuilding,*,house\n"
    assert len(read(file, text, layer="houses").shapes) == 1
    with pytest.raises(InputError, match=r"has no layer 'rivers' with geometries\. It has roads, houses"):
        read(file, layer="rivers")


def test_an_extract_of_openstreetmap_has_tags_of_its_own_and_others(tmp_path: Path) -> None:
    """GDAL keeps tags that have no attribute in a text of their own."""
    turned = Transformer.from_crs(maps.CRS, 4326, always_xy=True)
    nodes = {i + 1: turned.transform(*(GRID @ p)) for i, p in enumerate([(2, 2), (8, 2), (8, 8), (20, 20)])}
    ways = [
        (1, [1, 2], {"highway": "primary", "surface": "as\"phalt"}), (2, [2, 3], {"surface": "gravel"}),
        (3, [1, 2, 3, 1], {"building": "yes"}), (4, [3, 4], {"highway": "path"}),
    ]  # fmt: skip
    file = openstreetmap.write(tmp_path / "a.osm.pbf", nodes, ways)
    found = read(file, maps.LEGEND + 'surface,gravel,track,3,\n"surface","as""phalt",street,3,\n')
    legend = map_legend.read(tmp_path / "legend.csv")
    assert sorted(legend.entries[n].name for n in found.entries) == ["house", "road", "street", "track"]
    assert found.unknown == {"highway=path": 1}


def test_the_ground_that_a_source_spans(tmp_path: Path) -> None:
    file = tmp_path / "a.gpkg"
    maps.save(file, [maps.line((0, 0), (10, 0))], layer="roads", highway=["primary"])
    maps.save(file, [maps.line((0, 0), (0, 10))], layer="houses", building=["yes"])
    assert map_features.extent(file, "roads", maps.CRS).length == pytest.approx(100)
    assert map_features.extent(file, None, maps.CRS).area == pytest.approx(100 * 100 / 2)
    empty = maps.save(tmp_path / "b.gpkg", [], highway=[])
    assert map_features.extent(empty, None, maps.CRS) is None
