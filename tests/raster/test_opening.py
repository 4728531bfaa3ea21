"""Rasters whose headers claim more than any memory holds are refused before that is asked for."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import rasterio

from landloom.errors import InputError
from landloom.raster import codec, first_look, opening
from tests import rasters


def sparse(path: Path, height: int, width: int, count: int = 1, **layout: object) -> Path:
    """A GeoTIFF of this size without any pixel: some hundred bytes."""
    profile = {"driver": "GTiff", "dtype": "uint8", "height": height, "width": width, "count": count}
    with rasterio.open(path, "w", sparse_ok=True, bigtiff="yes", **profile, **layout):
        return path


def claimed(height: int, width: int, interlaced: int = 0) -> bytes:
    """A PNG of a few bytes that claims a size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlaced)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    parts = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


SIZES = [(1, 1_000_001, 1), (400_000, 400_000, 1), (8, 8, 2001)]
TILES = {"tiled": True, "blockxsize": 256, "blockysize": 256}


@pytest.mark.parametrize(("height", "width", "count"), SIZES)
def test_giant_rasters(tmp_path: Path, height: int, width: int, count: int) -> None:
    path = sparse(tmp_path / "a.tif", height, width, count, **TILES)
    assert path.stat().st_size < 30e6
    found = rf"a\.tif: claims {count} bands of {height} x {width} pixels\. Split it"
    with pytest.raises(InputError, match=found):
        first_look.header(path)


def test_a_raster_in_one_block_is_refused_and_in_tiles_it_is_not(tmp_path: Path) -> None:
    side = 40_000
    whole = sparse(tmp_path / "whole.tif", side, side, tiled=True, blockxsize=side, blockysize=side)
    with pytest.raises(InputError, match=r"whole\.tif: 1\.5 GiB would have to be unpacked to read one pixel"):
        first_look.header(whole)
    found = first_look.header(sparse(tmp_path / "tiles.tif", side, side, **TILES))
    assert (found.height, found.width) == (side, side)


def test_bands_that_are_stored_together_are_unpacked_together(tmp_path: Path) -> None:
    layout = {"count": 40, "interleave": "pixel", "tiled": True, "blockxsize": 6016, "blockysize": 6016}
    path = sparse(tmp_path / "a.tif", 6000, 6000, **layout)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"1\.3 GiB would have to be unpacked"):
        opening.opened(path)


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize("side", [60_000, 2**31 - 1])
def test_pictures_of_a_few_bytes(tmp_path: Path, side: int, interlaced: int) -> None:
    (tmp_path / "a.png").write_bytes(claimed(side, side, interlaced))
    with pytest.raises(InputError, match=r"a\.png: "):
        first_look.values(tmp_path / "a.png")


def test_a_tile_of_a_shard() -> None:
    with pytest.raises(InputError, match=r"a raster in a shard: is damaged \(it claims 3\.4 GiB of pixels\)"):
        codec.decode(claimed(60_000, 60_000))


def test_refusing_takes_no_memory(tmp_path: Path) -> None:
    """In a process of its own, whose peak is that of nobody else."""
    (tmp_path / "a.png").write_bytes(claimed(60_000, 60_000, 1))
    sparse(tmp_path / "b.tif", 60_000, 60_000, tiled=True, blockxsize=60_000, blockysize=60_000)
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom landloom.errors import InputError\n"
        "from landloom.raster import codec, first_look\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "before, folder = peak(), Path(sys.argv[1])\n"
        "for read, given in ((first_look.values, folder / 'a.png'), (first_look.values, folder / 'b.tif'),\n"
        "                    (codec.decode, (folder / 'a.png').read_bytes())):\n"
        "    try: read(given)\n    except InputError: pass\n    else: raise SystemExit('was read')\n"
        "print(peak() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) < 400


def test_whole_rasters_pass(tmp_path: Path) -> None:
    path = rasters.save(tmp_path / "a.tif", rasters.noise(8, 12))
    with opening.opened(path) as file:
        np.testing.assert_array_equal(file.read(), rasters.noise(8, 12))
