"""Places of tiles, against RFC 7946: rings run counter-clockwise and are cut at 180 degrees."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.warp import transform

from landloom.exporting import footprint

MOON = 'GEOGCS["Moon",DATUM["D",SPHEROID["Moon",1737400,0]],PRIMEM["R",0],UNIT["degree",0.0174532925199433]]'


def lie(crs: str, x: float, y: float, pixel: float, side: int = 32) -> tuple[dict[str, Any], list[float]]:
    """Geometry and box of a square raster with an upper left corner."""
    outline = footprint.ring(crs, [pixel, 0, x, 0, -pixel, y], [side, side])
    assert outline is not None
    return footprint.geometry(outline), footprint.box(outline)


def rings(geometry: dict[str, Any]) -> list[Any]:
    """Outer rings."""
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    return [p[0] for p in polygons]


def areas(geometry: dict[str, Any]) -> list[float]:
    """Square degrees of each part; positive when it runs counter-clockwise."""
    found = []
    for ring in map(np.array, rings(geometry)):
        assert ring[0].tolist() == ring[-1].tolist()
        assert (np.abs(ring) <= [180, 90]).all()
        x, y = ring.T
        found.append(float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2))
    return found


@pytest.mark.parametrize(
    ("crs", "lat"), [("EPSG:32660", 18.0), ("EPSG:32701", -17.5), ("EPSG:3832", -17), ("EPSG:3413", 75)]
)
def test_a_tile_across_180_degrees_is_cut_there(crs: str, lat: float) -> None:
    (x,), (y,) = transform("EPSG:4326", crs, [180.0], [lat])
    place, (west, south, east, north) = lie(crs, x - 1600, y + 1600, 100)
    assert place["type"] == "MultiPolygon"
    assert len(areas(place)) == 2
    assert min(areas(place)) > 0
    assert 179 < west < 180
    assert -180 < east < -179
    assert south < lat < north


@pytest.mark.parametrize(
    ("x", "box"),
    [
        (179.68, [179.68, 9.68, 180, 10]),
        (-180.0, [-180, 9.68, -179.68, 10]),
        (180.0, [-180, 9.68, -179.68, 10]),
        (350.0, [-10, 9.68, -9.68, 10]),
        (-0.16, [-0.16, 9.68, 0.16, 10]),
    ],
)
def test_a_tile_that_only_touches_180_degrees_is_one_part(x: float, box: list[float]) -> None:
    place, found = lie("EPSG:4326", x, 10, 0.01)
    assert place["type"] == "Polygon"
    assert areas(place) == pytest.approx([0.1024])
    assert found == pytest.approx(box)


@pytest.mark.parametrize(("crs", "pole"), [("EPSG:3413", 90), ("EPSG:3031", -90)])
def test_a_tile_on_a_pole_reaches_all_around_it(crs: str, pole: float) -> None:
    place, (west, south, east, north) = lie(crs, -1600, 1600, 100)
    assert (west, east) == (-180, 180)
    assert pole in (south, north)
    assert min(areas(place)) > 0
    assert sum(areas(place)) > 4  # the inscribed circle: 0.014 degrees all around


@pytest.mark.parametrize("x", [-180.0, 0.0, -180.125])
def test_a_world_map_is_the_world(x: float) -> None:
    outline = footprint.ring("EPSG:4326", [1, 0, x, 0, -1, 90.5], [181, 360])  # half a pixel over the poles
    assert outline is not None
    assert footprint.box(outline) == [-180, -90, 180, 90]
    assert sum(areas(footprint.geometry(outline))) == pytest.approx(360 * 180)


def test_a_raster_that_is_stored_upside_down_runs_the_same_way() -> None:
    outline = footprint.ring("EPSG:32652", [10, 0, 350000, 0, 10, 3820000], [32, 32])
    assert outline is not None
    assert min(areas(footprint.geometry(outline))) > 0


@pytest.mark.parametrize(
    ("crs", "pixel"),
    [
        (None, 1),
        (MOON, 0.1),
        ('LOCAL_CS["site",UNIT["m",1]]', 1),
        ("+proj=geos +h=35785831 +lon_0=0 +sweep=y", 348046),  # its corners look past the Earth
    ],
)
def test_what_has_no_place_on_earth_has_no_outline(crs: str | None, pixel: float) -> None:
    assert footprint.ring(crs, [pixel, 0, -16 * pixel, 0, -pixel, 16 * pixel], [32, 32]) is None


@given(st.floats(-400, 400), st.floats(-60, 80), st.floats(1e-3, 1))
def test_parts_and_box_agree(x: float, y: float, pixel: float) -> None:
    place, (west, south, east, north) = lie("EPSG:4326", x, y, pixel)
    assert sum(areas(place)) == pytest.approx((32 * pixel) * (north - south), rel=1e-3)
    assert (east - west) % 360 == pytest.approx(32 * pixel, abs=1e-6)
    assert (west > east) == (len(rings(place)) == 2)


def test_pixels_taken_for_degrees_are_no_place() -> None:
    assert footprint.ring("EPSG:4326", [1, 0, 0, 0, -1, 500], [32, 32]) is None
