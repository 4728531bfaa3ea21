"""Features of vector files, of a part of the ground."""

import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from pyproj import Transformer

from landloom.errors import InputError
from landloom.raster import vectors
from tests import openstreetmap

UTM = "EPSG:32632"
EAST, NORTH = 500_000, 5_400_000
"""A place in Germany, 9 degrees east."""
BOUNDS = (EAST, NORTH, EAST + 100.0, NORTH + 100.0)


def square(x: float, y: float, side: float = 10) -> shapely.Polygon:
    """A square with its lower left corner x, y metres from the place."""
    return shapely.box(EAST + x, NORTH + y, EAST + x + side, NORTH + y + side)


def written(path: Path, shapes: list[object], crs: str = UTM, **attributes: list[object]) -> Path:
    frame = gpd.GeoDataFrame(attributes, geometry=shapes, crs=UTM).to_crs(crs)
    frame.to_file(path)
    return path


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp", "fgb"])
@pytest.mark.parametrize("crs", [UTM, "EPSG:4326", "EPSG:3857"])
def test_only_features_that_touch_the_bounds_come_and_in_the_asked_system(
    tmp_path: Path, suffix: str, crs: str
) -> None:
    shapes = [square(20, 30), square(95, 95), square(200, 0), square(-10, 50)]
    file = written(tmp_path / f"a.{suffix}", shapes, crs, kind=["in", "partly", "far", "touches"])
    found = vectors.read(file, BOUNDS, UTM)
    named = {"in", "partly"} | ({"touches"} if crs == UTM else set())
    assert {*found.kind} - {"touches"} == named - {"touches"}
    assert found.crs == UTM
    inner = found[found.kind == "in"].geometry.iloc[0]
    assert inner.bounds == pytest.approx(square(20, 30).bounds, abs=1e-3)
    assert found.index.tolist() == list(range(len(found)))


def test_a_border_on_the_bounds_counts(tmp_path: Path) -> None:
    file = written(tmp_path / "a.gpkg", [square(-10, 50)], kind=["touches"])
    assert len(vectors.read(file, BOUNDS, UTM)) == 1


def test_what_touches_only_the_box_around_turned_bounds_is_left_out(tmp_path: Path) -> None:
    """Bounds in another system become a quadrilateral; the file is asked for the box around it."""
    far = "EPSG:32633"  # 15 degrees east: its north is turned by more than 4 degrees here
    turned = Transformer.from_crs(UTM, far, always_xy=True)
    corners = turned.transform_bounds(*BOUNDS, densify_pts=21)
    file = tmp_path / "a.gpkg"
    gpd.GeoDataFrame(
        geometry=[shapely.box(corners[0], corners[1], corners[0] + 1, corners[1] + 1)], crs=far
    ).to_file(file)
    assert len(vectors.read(file, BOUNDS, UTM)) == 0


def test_attributes_and_filters(tmp_path: Path) -> None:
    file = written(tmp_path / "a.gpkg", [square(0, 0), square(50, 50)], kind=["road", "house"], other=[1, 2])
    assert list(vectors.read(file, BOUNDS, UTM, columns=["kind"]).columns) == ["kind", "geometry"]
    assert vectors.read(file, BOUNDS, UTM, where="kind = 'house'").other.tolist() == [2]


def test_broken_shapes_are_repaired(tmp_path: Path) -> None:
    bow = shapely.Polygon([(EAST, NORTH), (EAST + 10, NORTH + 10), (EAST + 10, NORTH), (EAST, NORTH + 10)])
    file = written(tmp_path / "a.gpkg", [bow], kind=["bow tie"])
    found = vectors.read(file, BOUNDS, UTM)
    assert found.geometry.is_valid.all()
    assert found.area.sum() == pytest.approx(50)


def test_features_without_geometry_are_counted_where_no_bounds_are_given(tmp_path: Path) -> None:
    file = written(tmp_path / "a.gpkg", [square(0, 0), None, shapely.Polygon()], kind=["a", "b", "c"])
    found = vectors.read(file, None, UTM)
    assert (found.kind.tolist(), found.attrs["empty"]) == (["a"], 2)
    assert vectors.read(file, BOUNDS, UTM).kind.tolist() == ["a"]


def test_nothing_there_is_an_empty_frame(tmp_path: Path) -> None:
    file = written(tmp_path / "a.gpkg", [square(5000, 0)], kind=["far"])
    found = vectors.read(file, BOUNDS, UTM)
    assert (len(found), found.crs, list(found.columns)) == (0, UTM, ["kind", "geometry"])


@pytest.fixture
def two_layers(tmp_path: Path) -> Path:
    file = tmp_path / "two.gpkg"
    for name in ("roads", "houses"):
        gpd.GeoDataFrame({"kind": [name]}, geometry=[square(0, 0)], crs=UTM).to_file(file, layer=name)
    return file


def test_one_of_several_layers_must_be_named(two_layers: Path) -> None:
    with pytest.raises(InputError, match=r"two\.gpkg: has 2 layers: roads, houses\. Name the one"):
        vectors.read(two_layers, BOUNDS, UTM)
    assert vectors.read(two_layers, BOUNDS, UTM, layer="houses").kind.tolist() == ["houses"]


def test_unknown_layers_attributes_and_filters(two_layers: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no layer 'rivers' with geometries\. It has roads, houses"):
        vectors.read(two_layers, BOUNDS, UTM, layer="rivers")
    with pytest.raises(InputError, match=r"has no attribute 'width'\. It has kind"):
        vectors.read(two_layers, BOUNDS, UTM, layer="roads", columns=["kind", "width"])
    json_file = written(tmp_path / "a.geojson", [square(0, 0)], "EPSG:4326", kind=["a"])
    for file, layer in ((two_layers, "roads"), (json_file, None)):
        with pytest.raises(InputError, match=r"the filter \"width > 3\" is not understood"):
            vectors.read(file, BOUNDS, UTM, layer=layer, where="width > 3")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.gpkg: does not exist"):
        vectors.read(tmp_path / "none.gpkg", BOUNDS, UTM)
    (tmp_path / "broken.gpkg").write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match=r"broken\.gpkg: cannot be read as a vector file"):
        vectors.read(tmp_path / "broken.gpkg", BOUNDS, UTM)


def test_a_table_has_no_geometries(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("kind,width\nroad,3\n")
    with pytest.raises(InputError, match="has no layer with geometries"):
        vectors.read(tmp_path / "a.csv", BOUNDS, UTM)


def test_a_file_without_a_coordinate_system(tmp_path: Path) -> None:
    file = written(tmp_path / "a.shp", [square(0, 0)], kind=["a"])
    file.with_suffix(".prj").unlink()
    with pytest.raises(InputError, match=r"a\.shp, layer 'a': has no coordinate system\. Set it \(ogr2ogr"):
        vectors.read(file, BOUNDS, UTM)


def test_metres_that_are_called_degrees(tmp_path: Path) -> None:
    """GeoJSON is longitude and latitude, whatever a program wrote into it."""
    file = tmp_path / "a.geojson"
    line = {"type": "LineString", "coordinates": [[EAST, NORTH], [EAST + 5, NORTH]]}
    feature = {"type": "Feature", "properties": {}, "geometry": line}
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    with pytest.raises(InputError, match=r"are no degrees of longitude and latitude.*longitude first"):
        vectors.read(file, BOUNDS, UTM)


def test_an_extract_of_openstreetmap(tmp_path: Path) -> None:
    lon, lat = Transformer.from_crs(UTM, 4326, always_xy=True).transform(EAST + 50, NORTH + 50)
    nodes = {i: (lon + d, lat) for i, d in ((1, -1e-4), (2, 1e-4), (3, 1.0), (4, 1.1))}
    house = {5: (lon, lat), 6: (lon + 1e-4, lat), 7: (lon + 1e-4, lat + 1e-4)}
    ways = [(1, [1, 2], {"highway": "primary", "lanes": "2"}), (2, [3, 4], {"highway": "service"}),
            (3, [5, 6, 7, 5], {"building": "yes"})]  # fmt: skip
    file = openstreetmap.write(tmp_path / "a.osm.pbf", nodes | house, ways)
    assert {"lines", "multipolygons"} <= set(vectors.layers(file))
    found = vectors.read(file, BOUNDS, UTM, layer="lines")
    assert found.highway.tolist() == ["primary"]
    assert '"lanes"=>"2"' in found.other_tags[0]
    assert found.length.sum() == pytest.approx(2e-4 * 111_320 * 0.66, rel=0.02)
    assert vectors.read(file, BOUNDS, UTM, layer="multipolygons").building.tolist() == ["yes"]


def test_the_missing_driver_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = openstreetmap.write(tmp_path / "a.osm.pbf", {1: (9, 48)}, [])
    monkeypatch.setattr("pyogrio.list_drivers", lambda **_: {"GPKG": "rw"})
    with pytest.raises(InputError, match="GDAL was built without its driver 'OSM'"):
        vectors.layers(file)


def test_a_text_without_an_index_is_read_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyogrio

    reads = []
    inner = pyogrio.read_dataframe
    monkeypatch.setattr(pyogrio, "read_dataframe", lambda *a, **k: reads.append(a) or inner(*a, **k))
    file = written(tmp_path / "a.geojson", [square(0, 0), square(40, 0)], "EPSG:4326", kind=["a", "b"])
    near = (EAST - 1.0, NORTH - 1.0, EAST + 30.0, NORTH + 30.0)
    found = [vectors.read(file, near, UTM)["kind"].tolist() for _ in range(3)]
    assert (found, len(reads)) == ([["a"]] * 3, 1)
    written(file, [square(0, 0)], "EPSG:4326", kind=["longer"])
    assert vectors.read(file, near, UTM)["kind"].tolist() == ["longer"]
