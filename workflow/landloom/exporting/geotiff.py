"""GeoTIFF: images with all bands, masks with a colour table; placed on the map where the place is known."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio import open as open_raster
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

from landloom.data.samples import Sample
from landloom.exporting.collection import Collection
from landloom.raster import codec, palette
from landloom.raster.labels import IGNORE


class GeoTiff:
    """Writes ``geotiff/images/<id>.tif`` and ``geotiff/masks/<id>.tif``.

    Where training ignored pixels of little trust, ``geotiff/trusted/<id>.tif`` is the mask without them.
    """

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.images, self.masks = collection.folder("geotiff/images"), collection.folder("geotiff/masks")
        self.colors = palette.table(collection.statistics.colors)

    def add(self, sample: Sample) -> None:
        """Write the image in its own units and type, and the mask as class indices (uint8, 255 no data)."""
        tags = {"LANDLOOM_SYNTHETIC": "yes", "LANDLOOM_GENERATOR": self.collection.generator}
        tags |= {} if sample.seed is None else {"LANDLOOM_SEED": str(sample.seed)}
        tags |= {"LANDLOOM_PARENTS": " ".join(sample.parents)} if sample.parents else {}
        tags["TIFFTAG_IMAGEDESCRIPTION"] = self.collection.statement
        _write(self.images / f"{sample.id}.tif", sample.image_array(), sample, tags)
        mask = sample.mask_array()[None]
        names = {f"CATEGORY_{c['id']}": c["name"] for c in self.collection.classes}
        _write(self.masks / f"{sample.id}.tif", mask, sample, tags | names, self.colors)
        if self.collection.min_trust:
            trusted = sample.trusted_mask(self.collection.min_trust)[None]
            name = self.collection.folder("geotiff/trusted") / f"{sample.id}.tif"
            more = tags | names | {"LANDLOOM_MIN_TRUST": str(self.collection.min_trust)}
            _write(name, trusted, sample, more, self.colors)

    def close(self) -> None:
        """Nothing is shared between the files."""


def _write(
    path: Path,
    array: NDArray[Any],
    sample: Sample,
    tags: dict[str, str],
    colors: dict[int, tuple[int, int, int, int]] | None = None,
) -> None:
    """Write (C, H, W); ``colors`` makes it a mask with a colour table and no-data pixels."""
    count, height, width = array.shape
    profile = codec.geotiff(array) | {"count": count, "height": height, "width": width}
    if sample.crs:
        profile["crs"] = sample.crs
    if sample.transform is not None:
        profile["transform"] = Affine(*sample.transform)
    if colors is not None:
        profile |= {"nodata": IGNORE, "photometric": "palette"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with open_raster(path, "w", **profile) as file:
            file.write(np.ascontiguousarray(array))
            file.update_tags(**tags)
            if colors is not None:
                file.write_colormap(1, colors)
