"""What GDAL may open: a file of few formats, and nothing that it names inside itself."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.vrt import WarpedVRT

from landloom.errors import InputError
from landloom.raster import codec, first_look, vectors
from landloom.raster.mirrored import Mirrored
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window
from landloom.scenes.discovery import SceneFiles
from tests import maps, rasters

RAW = """<VRTDataset rasterXSize="12" rasterYSize="8">
<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">
<SourceFilename relativetoVRT="0">{target}</SourceFilename>
<ImageOffset>0</ImageOffset><PixelOffset>1</PixelOffset><LineOffset>12</LineOffset>
</VRTRasterBand></VRTDataset>"""
SIMPLE = """<VRTDataset rasterXSize="12" rasterYSize="8"><VRTRasterBand dataType="Byte" band="1">
<SimpleSource><SourceFilename relativeToVRT="0">{target}</SourceFilename><SourceBand>1</SourceBand>
</SimpleSource></VRTRasterBand></VRTDataset>"""
WMS = """<GDAL_WMS><Service name="TMS"><ServerUrl>{target}/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service>
<DataWindow><UpperLeftX>0</UpperLeftX><UpperLeftY>8</UpperLeftY><LowerRightX>12</LowerRightX>
<LowerRightY>0</LowerRightY><TileLevel>2</TileLevel></DataWindow><BandsCount>1</BandsCount></GDAL_WMS>"""
OGR = """<OGRVRTDataSource><OGRVRTLayer name="shapes"><SrcDataSource>{target}</SrcDataSource>
</OGRVRTLayer></OGRVRTDataSource>"""


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """An address on this machine, and what was asked for there."""
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Listener) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_port}", asked
        found.shutdown()


def as_scene(path: Path) -> None:
    mask = rasters.save(path.with_name("mask.tif"), rasters.halves(8, 12))
    with SceneReader(SceneFiles("a", (path,), mask), rasters.config()):
        pass


def as_mask(path: Path) -> None:
    image = rasters.save(path.with_name("image.tif"), rasters.noise(8, 12))
    with SceneReader(SceneFiles("a", (image,), path), rasters.config()):
        pass


READERS: list[Callable[[Path], object]] = [as_scene, as_mask, first_look.header, first_look.values, Mirrored]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("text", [RAW, SIMPLE, WMS])
@pytest.mark.parametrize("name", ["other.vrt", "other.tif", "other.png"])
def test_files_that_name_others_are_refused(
    tmp_path: Path, read: Callable[[Path], object], text: str, name: str, server: tuple[str, list[str]]
) -> None:
    url, asked = server
    for target in ("/etc/passwd", f"/vsicurl/{url}/a.tif", url):
        (tmp_path / name).write_text(text.format(target=target))
        with pytest.raises(InputError) as caught:
            read(tmp_path / name)
        said = str(caught.value)
        assert f"{name}: cannot be read as a raster: it is none of GeoTIFF, PNG, JPEG" in said
        assert "\n" not in said
        assert "root:" not in said
    assert asked == []


def test_a_warped_view_does_not_bring_the_driver_back(tmp_path: Path) -> None:
    """GDAL registers VRT by itself when a raster is warped."""
    path = rasters.save(tmp_path / "a.tif", rasters.halves(8, 12))
    with rasterio.open(path) as file, WarpedVRT(file, crs="EPSG:4326") as view:
        view.read()
    (tmp_path / "other.tif").write_text(RAW.format(target="/etc/passwd"))
    with pytest.raises(InputError, match="it is none of GeoTIFF"):
        first_look.header(tmp_path / "other.tif")


@pytest.mark.parametrize("text", [RAW, WMS])
def test_a_raster_in_a_shard_names_no_other(text: str) -> None:
    with pytest.raises(InputError, match="a raster in a shard: is damaged"):
        codec.decode(text.format(target="/etc/passwd").encode())


@pytest.mark.parametrize("target", ["/vsicurl/{}/a.tif", WMS, "/vsistdin/"])
def test_overviews_in_another_file(tmp_path: Path, target: str, server: tuple[str, list[str]]) -> None:
    url, asked = server
    path = rasters.save(tmp_path / "a.tif", rasters.noise(1024, 1024, 1))
    with rasterio.open(path, "r+") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=target.format(url, target=url))
    with pytest.raises(InputError, match=r"a\.tif: its metadata name another file for its overviews"):
        first_look.masklike(path)
    assert asked == []


@pytest.mark.parametrize("name", ["shapes.geojson", "shapes.gpkg", "shapes.vrt", "shapes.shp"])
def test_shapes_that_name_others_are_refused(
    tmp_path: Path, name: str, server: tuple[str, list[str]]
) -> None:
    url, asked = server
    secret = maps.save(tmp_path / "secret.gpkg", [maps.box(0, 0, 4, 4)], kind=["x"])
    for target in (secret, f"/vsicurl/{url}/a.gpkg", f"{url}/wfs?service=WFS"):
        (tmp_path / name).write_text(OGR.format(target=target))
        with pytest.raises(InputError, match=f"{name}: cannot be read as a vector file"):
            vectors.read(tmp_path / name, None, maps.CRS)
    assert asked == []


def test_shapes_of_other_formats_and_archives(tmp_path: Path) -> None:
    (tmp_path / "a.kml").write_text(
        "<kml xmlns='http://www.opengis.net/kml/2.2'><Document><Placemark><name>x</name>"
        "<Point><coordinates>1,2</coordinates></Point></Placemark></Document></kml>"
    )
    with pytest.raises(InputError, match=r"a\.kml: is a file of GDAL's driver 'KML', none of GeoPackage"):
        vectors.read(tmp_path / "a.kml", None, "EPSG:4326")
    (tmp_path / "a.zip").write_bytes(b"PK\3\4")
    with pytest.raises(InputError, match=r"a\.zip: is an archive\. Unpack it"):
        vectors.layers(tmp_path / "a.zip")


def test_the_drivers_are_gone_and_nothing_is_said_of_it(server: tuple[str, list[str]]) -> None:
    """In a process of its own: GDAL asks once. The network is out of reach for what is left, too."""
    url, asked = server
    code = (
        "from landloom.raster.drivers import NEVER\n"
        "import sys, rasterio, pyogrio\n"
        "with rasterio.Env() as env: found = {*env.drivers(), *pyogrio.list_drivers()}\n"
        "assert {'GTiff', 'GPKG', 'GeoJSON'} <= found\n"
        "assert not found & set(NEVER), found & set(NEVER)\n"
        "try: rasterio.open(f'/vsicurl/{sys.argv[1]}/a.tif')\n"
        "except rasterio.errors.RasterioIOError: print('no way')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr, asked) == ("no way\n", "", [])


def test_masks_are_still_aligned_and_scenes_are_still_read(tmp_path: Path) -> None:
    """What needs GDAL's own views works without the driver."""
    image = rasters.save(tmp_path / "image.tif", rasters.noise(8, 12))
    half = rasters.GRID @ rasters.Affine.scale(0.5)
    mask = rasters.save(tmp_path / "mask.tif", rasters.halves(16, 24), transform=half)
    _, _, found = rasters.read(SceneFiles("a", (image,), mask), rasters.config(align="nearest"))
    np.testing.assert_array_equal(found, rasters.halves(8, 12) - 1)


@pytest.mark.parametrize(("name", "driver"), [("a.dat", "ENVI"), ("a.img", "HFA"), ("a.bmp", "BMP")])
def test_other_formats_of_the_field_are_read(tmp_path: Path, name: str, driver: str) -> None:
    values = np.arange(96, dtype=np.uint8).reshape(1, 8, 12)
    with rasterio.open(
        tmp_path / name, "w", driver=driver, count=1, height=8, width=12, dtype="uint8"
    ) as file:
        file.write(values)
    with Mirrored(tmp_path / name) as read:
        np.testing.assert_array_equal(read.read(Window(0, 0, 8, 12)), values)
