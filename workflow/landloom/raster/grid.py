"""Do the files of a scene lie on one grid?"""

from collections.abc import Sequence

import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.io import DatasetReader
from rasterio.transform import Affine

from landloom.errors import InputError

SHIFT = 0.1
"""How far two files' corners may lie apart, in pixels, and still count as the same grid."""


ALIGN = ", or set data.align: nearest"
"""What else may be done about a mask on another grid."""


def common(
    files: Sequence[DatasetReader], override: str | None, hint: str = ""
) -> tuple[str | None, Affine | None]:
    """Common CRS and transform of the files of a scene; see ``crs`` and ``transform``.

    Args:
        files: of one scene.
        override: CRS that replaces the files' own.
        hint: what else may be done where they differ; ends the message.

    Raises:
        InputError: they do not lie on one grid.
    """
    compare_sizes(files, hint)
    return crs(files, override, hint), transform(files, hint)


def fits(images: Sequence[DatasetReader], mask: DatasetReader, override: str | None) -> bool:
    """Whether a mask lies on the grid of its images.

    Raises:
        InputError: the mask or the images cannot be placed.
    """
    common(images, override), transform([mask])
    try:
        common([*images, mask], override)
    except InputError:
        return False
    return True


def compare_sizes(files: Sequence[DatasetReader], hint: str = "") -> None:
    """Raise InputError for the first file whose size differs from the first one's."""
    first = files[0]
    for file in files[1:]:
        if file.shape != first.shape:
            placed = not (file.transform.is_identity or first.transform.is_identity)
            raise InputError(
                f"{file.name}, size",
                f"{file.width} x {file.height} pixels, but {first.name} has {first.width} x {first.height}",
                f"Resample one to the other's grid (gdalwarp -te ... -ts ..., masks with -r near){hint}"
                if placed
                else "Give files that belong together; if they show the same ground, scale one "
                "(gdal_translate -outsize WIDTH HEIGHT, masks with -r nearest)",
            )


def crs(files: Sequence[DatasetReader], override: str | None, hint: str = "") -> str | None:
    """Common CRS as an authority code or WKT; files without one fit any.

    Args:
        files: of one scene.
        override: CRS that replaces the files' own, so that they may differ.
        hint: what else may be done.

    Raises:
        InputError: the override is not a CRS, or files disagree.
    """
    if override is not None:
        try:
            return str(CRS.from_user_input(override).to_string())
        except CRSError as error:
            raise InputError("data.crs", f"'{override}' ({error})", "Write it like 'EPSG:32652'") from None
    tagged = [f for f in files if f.crs]
    for file in tagged[1:]:
        if file.crs != tagged[0].crs:
            raise InputError(
                f"{file.name}, CRS",
                f"{file.crs.to_string()}, but {tagged[0].name} has {tagged[0].crs.to_string()}",
                f"Reproject it (gdalwarp -t_srs){hint}; set data.crs if only the tag is wrong",
            )
    return str(tagged[0].crs.to_string()) if tagged else None


def transform(files: Sequence[DatasetReader], hint: str = "") -> Affine | None:
    """Common transform, pixel to map; files without one fit any.

    Raises:
        InputError: pixels have no size, or the corners of two files lie more than SHIFT pixels apart.
    """
    placed = [f for f in files if not f.transform.is_identity]
    for file in placed:
        if file.transform.is_degenerate or not np.isfinite(file.transform).all():
            remedy = "Set its place again (gdal_edit.py -a_ullr LEFT TOP RIGHT BOTTOM)"
            raise InputError(f"{file.name}, transform", "its pixels have no place, width or height", remedy)
    for file in placed[1:]:
        if (apart := shift(placed[0].transform, file.transform, file.width, file.height)) > SHIFT:
            raise InputError(
                f"{file.name}, transform",
                f"its corners lie {apart:.3g} pixels away from those of {placed[0].name}",
                f"Bring both to one grid (gdalwarp -te ... -ts ...){hint}",
            )
    return placed[0].transform if placed else None


def shift(here: Affine, there: Affine, width: int, height: int) -> float:
    """How far corners of a raster of some size lie apart under two transforms, in pixels of the first."""
    corners = [(0, 0), (width, 0), (0, height), (width, height)]
    moved = [~here @ (there @ corner) for corner in corners]
    return float(np.abs(np.subtract(moved, corners)).max())
