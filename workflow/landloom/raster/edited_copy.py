"""GeoTIFFs written in parts: a copy of which some pixels get new values, or a new file."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio import shutil
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.windows import Window as Slice

LOSSLESS = {"deflate", "lzw", "zstd", "packbits", "lzma"}
LAYOUT = ("tiled", "blockxsize", "blockysize", "interleave")


@contextmanager
def copy(image: DatasetReader, out: Path, tags: Mapping[str, str]) -> Iterator[DatasetWriter]:
    """A copy to change, with its place, tags and layout; written without loss.

    It is changed in a file without compression first: rewritten blocks of a compressed one would leave gaps.
    """
    packed = str(image.profile.get("compress", "")).lower()
    layout = {k: v for k, v in image.profile.items() if k in LAYOUT}
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        plain = Path(folder) / "plain.tif"
        shutil.copy(image, plain, driver="GTiff", bigtiff="if_safer", **layout)
        with rasterio.open(plain, "r+") as file:
            file.update_tags(**tags)
            yield file
        packing = {"compress": packed if packed in LOSSLESS else "deflate"}
        shutil.copy(plain, out, driver="GTiff", bigtiff="if_safer", **layout, **packing)


@contextmanager
def new(
    out: Path, profile: Mapping[str, Any], tags: Mapping[str, str], layout: Mapping[str, Any]
) -> Iterator[DatasetWriter]:
    """A new file to write a part at a time; compressed, and laid out, at the end."""
    with tempfile.TemporaryDirectory(dir=out.parent) as folder, rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        plain = Path(folder) / "plain.tif"
        with rasterio.open(plain, "w", driver="GTiff", bigtiff="if_safer", **profile) as file:
            file.update_tags(**tags)
            yield file
        shutil.copy(plain, out, driver="GTiff", bigtiff="if_safer", **layout)


def put(
    file: DatasetWriter, numbers: Sequence[int], part: Slice, values: NDArray[Any], where: NDArray[np.bool_]
) -> None:
    """Give the pixels ``where`` (h, w) of a part new values (C, h, w) in the bands ``numbers``: data, now."""
    shown = not_missing(values, file.nodata)
    file.write(np.where(where, shown, file.read(numbers, window=part)), numbers, window=part)
    flags = file.mask_flag_enums[0]
    for number in alpha(file):
        most = np.iinfo(file.dtypes[number - 1]).max
        file.write(np.where(where, most, file.read(number, window=part)), number, window=part)
    if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
        file.write_mask(np.where(where, 255, file.dataset_mask(window=part)), window=part)


def alpha(file: DatasetReader) -> list[int]:
    """Numbers of the bands that say where there is data."""
    return [n for n, c in zip(file.indexes, file.colorinterp, strict=True) if c == ColorInterp.alpha]


def not_missing(values: NDArray[Any], nodata: float | None) -> NDArray[Any]:
    """Values, of which those that would stand for no data are one off."""
    if nodata is None or values.dtype.kind == "f":
        return values
    other = nodata - 1 if nodata >= np.iinfo(values.dtype).max else nodata + 1
    return np.where(values == nodata, values.dtype.type(other), values)
