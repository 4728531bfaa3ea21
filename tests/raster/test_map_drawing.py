"""Maps on the grid of a tile."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from rasterio.transform import Affine, from_origin

from landloom.errors import InputError
from landloom.raster import map_drawing, map_legend
from landloom.raster.map_drawing import MapDrawing
from tests import maps
from tests.rasters import GRID

SIZE = 16
FULL = 254


def drawing(
    source: Path, text: str = maps.LEGEND, whole: bool = True, crs: str = maps.CRS, grid: Affine = GRID
) -> MapDrawing:
    legend = map_legend.read(maps.legend(source.parent, text))
    return map_drawing.prepared(source, None, legend, crs, (grid, SIZE, SIZE), whole)[0]


def drawn(source: Path, text: str = maps.LEGEND, whole: bool = True) -> NDArray[np.uint8]:
    found = drawing(source, text, whole)(GRID, SIZE, SIZE)
    assert found is not None
    return found


def roads(path: Path, *lines: shapely.LineString, crs: str = maps.CRS) -> Path:
    return maps.save(path, lines, crs, highway=["primary"] * len(lines), building=[None] * len(lines))


def test_a_road_is_as_wide_as_the_legend_says(tmp_path: Path) -> None:
    """20 m are two pixels of 10 m: one on each side of a line between rows 4 and 5."""
    road, house = drawn(roads(tmp_path / "a.gpkg", maps.line((-5, 5), (21, 5))))
    expected = np.zeros((SIZE, SIZE), np.uint8)
    expected[4:6] = FULL
    np.testing.assert_array_equal(road, expected)
    assert not house.any()


def test_edges_are_soft(tmp_path: Path) -> None:
    """A line half a pixel lower covers one pixel wholly and half of those above and below."""
    road, _ = drawn(roads(tmp_path / "a.gpkg", maps.line((-5, 5.5), (21, 5.5))))
    assert [road[r, 8] for r in (3, 4, 5, 6, 7)] == [0, FULL / 2, FULL, FULL / 2, 0]


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32651"])
def test_a_source_in_another_system_is_drawn_at_the_same_place(tmp_path: Path, crs: str) -> None:
    line = maps.line((-5, 5), (21, 5))
    own = drawn(roads(tmp_path / "own.gpkg", line)).astype(int)
    other = drawn(roads(tmp_path / "a.gpkg", line.segmentize(10), crs=crs)).astype(int)
    assert np.abs(own - other).max() <= FULL / 4  # a row of cells may lie on the other side


def test_what_comes_later_in_the_legend_covers_what_is_below(tmp_path: Path) -> None:
    shapes, tags = (
        [maps.line((-5, 5), (21, 5)), maps.box(6, 3, 10, 7)],
        {"highway": ["primary", None], "building": [None, "yes"]},
    )
    file = maps.save(tmp_path / "a.gpkg", shapes, **tags)
    road, house = drawn(file)
    assert (road[4:6] == FULL).all()
    assert house.sum() == 2 * 4 * FULL
    road, house = drawn(file, maps.LEGEND.replace(",1\n", ",3\n"))
    assert house.sum() == 4 * 4 * FULL
    assert (road.astype(int) + house <= FULL).all()


def test_a_thin_line_does_not_fall_into_dots(tmp_path: Path) -> None:
    """Of 1 m in pixels of 10 m: it is drawn a cell wide, so it is seen in each row that it crosses."""
    text = maps.LEGEND.replace("road,20", "road,1")
    road, _ = drawn(roads(tmp_path / "a.gpkg", maps.line((2, -1), (13, 17))), text)
    assert (road.max(1) > 0).all()
    assert road.max() <= FULL / 2


def test_points_are_round(tmp_path: Path) -> None:
    text = "key,value,class,width_m\nnatural,tree,tree,80\n"
    file = maps.save(tmp_path / "a.gpkg", [shapely.Point(GRID @ (8, 8))], natural=["tree"])
    (tree,) = drawn(file, text)
    assert tree.sum() / FULL == pytest.approx(np.pi * 4**2, rel=0.02)


def test_metres_are_metres_in_degrees_and_on_web_maps(tmp_path: Path) -> None:
    """At 60 degrees north a degree of longitude is half as long, and so is the metre of a web map."""
    for crs, pixel in (("EPSG:4326", (20 / 55_800, 10 / 111_412)), ("EPSG:3857", (20 / 0.5, 20))):
        place = {"EPSG:4326": (10.0, 60.0), "EPSG:3857": (1_113_194.9, 8_399_737.9)}[crs]
        grid = from_origin(*place, *pixel)  # pixels of 20 m to the east and 10 m to the north
        for start, stop, across in (((8, -4), (8, 20), (60, 20)), ((-4, 8), (20, 8), (60, 10))):
            line = shapely.LineString([grid @ start, grid @ stop])
            file = tmp_path / f"{crs[-4:]}{start[0]}.gpkg"
            gpd.GeoDataFrame({"highway": ["primary"]}, geometry=[line], crs=crs).to_file(file)
            made = drawing(
                file, f"key,value,class,width_m\nhighway,primary,road,{across[0]}\n", crs=crs, grid=grid
            )
            (road,) = made(grid, SIZE, SIZE)
            width = road.sum(1 if start[0] == 8 else 0)[SIZE // 2] / FULL
            assert width == pytest.approx(across[0] / across[1], rel=0.03)


def test_feet_are_no_metres() -> None:
    assert map_drawing.units("EPSG:2263", (980_000, 200_000)) == pytest.approx((0.3048006, 0.3048006))


def test_an_empty_map_is_known(tmp_path: Path) -> None:
    file = roads(tmp_path / "a.gpkg", maps.line((500, 500), (600, 500)))
    found = drawing(file)(GRID, SIZE, SIZE)
    assert found is not None
    assert not found.any()


def test_nothing_is_known_outside_of_the_extent_of_one_source_for_all(tmp_path: Path) -> None:
    """Its features span columns 0 to 8 of the tile, and 100 rows."""
    file = roads(tmp_path / "a.gpkg", maps.line((0, -50), (0, 50)), maps.line((8, -50), (8, -40)))
    found = drawing(file, whole=False)(GRID, SIZE, SIZE)
    assert found is not None
    assert (found[:, :, 8:] == map_drawing.UNKNOWN).all()
    assert (found[:, :, 2:8] == 0).all()
    assert (found[0, :, 0] == FULL).all()
    assert drawing(file, whole=False)(GRID @ Affine.translation(9, 0), SIZE, SIZE) is None


def test_a_source_without_features_knows_nothing(tmp_path: Path) -> None:
    file = roads(tmp_path / "a.gpkg")
    with pytest.raises(InputError, match="holds no feature, so what it knows cannot be told"):
        drawing(file, whole=False)
    assert not drawing(file)(GRID, SIZE, SIZE).any()  # of one scene: known to be empty


def test_tiles_are_parts_of_the_scene(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    made = drawing(
        roads(tmp_path / "a.gpkg", *(maps.line(*map(tuple, p)) for p in rng.random((9, 4, 2)) * SIZE))
    )
    whole, half = made(GRID, SIZE, SIZE), SIZE // 2
    parts = [
        [made(GRID @ Affine.translation(c, r), half, half) for c in (0, half)] for r in (0, half)
    ]  # fmt: skip
    np.testing.assert_array_equal(np.block(parts), whole)
    assert 0 < whole[0].mean() < FULL


def test_a_turned_grid_has_the_map_turned(tmp_path: Path) -> None:
    file = roads(tmp_path / "a.gpkg", maps.line((2, 3), (13, 9)))
    own = drawn(file)
    quarter = GRID @ Affine.translation(0, SIZE) @ Affine.rotation(-90)
    found = drawing(file, grid=quarter)(quarter, SIZE, SIZE)
    np.testing.assert_allclose(np.rot90(own, -1, (1, 2)).astype(int), found.astype(int), atol=FULL / 8)
