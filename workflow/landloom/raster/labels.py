"""Labels: mask values or colours to class indices, without a loop over pixels."""

from collections import Counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader
from rasterio.windows import Window as Slice

from landloom.config.data import DataConfig
from landloom.errors import InputError
from landloom.raster.alignment import AlignedMask

Mask: TypeAlias = DatasetReader | AlignedMask
"""An open mask, on the grid of its image."""

IGNORE = 255
"""Index of pixels without a class, in every mask; no loss and no score counts them."""

UNKNOWN = 256
"""Index of pixels whose value is neither a class nor ignored."""


class Legend:
    """What the values of a mask mean.

    Attributes:
        colors: values are colours, packed as 0xRRGGBB.
        values: known values, ascending.
        indices: class index of each, IGNORE for those to be ignored.
        tolerance: how far a value may be from the one it is taken for.
    """

    def __init__(self, data: DataConfig, only: int | None = None) -> None:
        """Read the config; with ``only`` for a file of one class, by its index."""
        pairs = [(v, i) for i, c in enumerate(data.classes) if only in (None, i) for v in c.values]
        pairs += [(v, IGNORE) for v in data.ignore]
        self.colors = bool(pairs) and isinstance(pairs[0][0], str)
        known = sorted((int(v[1:], 16) if isinstance(v, str) else v, i) for v, i in pairs)
        self.values = np.array([v for v, _ in known], np.float64)
        self.indices = np.array([i for _, i in known], np.uint16)
        self.tolerance = data.tolerance

    def lookup(self, codes: NDArray[Any]) -> NDArray[np.uint16]:
        """Class index of each value of any shape; IGNORE for ignored ones and NaN, UNKNOWN for the rest."""
        if codes.dtype == np.uint8:  # 256 answers fit all pixels
            return self._search(np.arange(256))[codes]
        return self._search(codes)

    def _search(self, codes: NDArray[Any]) -> NDArray[np.uint16]:
        found = np.full(codes.shape, UNKNOWN, np.uint16)
        if len(self.values):
            at = np.minimum(np.searchsorted(self.values, codes), len(self.values) - 1)
            found = np.where(self.values[at] == codes, self.indices[at], found)
        if codes.dtype.kind == "f":
            found[np.isnan(codes)] = IGNORE
        if self.tolerance and len(self.values) and (strange := found == UNKNOWN).any():
            different, places = np.unique(codes[strange], return_inverse=True)
            found[strange] = self._nearest(different)[places]
        return found

    def _nearest(self, codes: NDArray[Any]) -> NDArray[np.uint16]:
        """Class index of the known value nearest to each value (n,), UNKNOWN where it is too far away."""
        apart = distances(codes, self.values, self.colors)
        at = apart.argmin(1)
        near = apart[np.arange(len(codes)), at] <= self.tolerance
        return np.where(near, self.indices[at], np.uint16(UNKNOWN))

    def show(self, code: float) -> str:
        """Spell a mask value as the config does."""
        return f"'#{int(code):06x}'" if self.colors else f"{code:g}"

    def read(self, file: Mask, window: Slice) -> tuple[NDArray[np.uint8], Counter[float]]:
        """Class indices (h, w) of a part of a mask, and how often each unknown value occurs in it.

        Values that the file calls nodata, or that are transparent, are ignored, unless the config lists them.
        What a mask band (internal, or a .msk file) hides is ignored in any case.

        Raises:
            InputError: the mask's bands do not fit the legend.
        """
        found, codes = self.find(file, window)
        unknown: Counter[float] = Counter()
        strange = found == UNKNOWN
        if strange.any():
            values, counts = np.unique(codes[strange], return_counts=True)
            unknown.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
            found[strange] = IGNORE
        return found.astype(np.uint8), unknown

    def find(self, file: Mask, window: Slice) -> tuple[NDArray[np.uint16], NDArray[Any]]:
        """Class indices, IGNORE or UNKNOWN (h, w) of a part of a mask, and its values (h, w)."""
        codes = self._codes(file, window)
        found = self.lookup(codes)
        if MaskFlags.all_valid not in file.mask_flag_enums[0]:
            masked = file.read_masks(1, window=window) == 0
            found[masked & (found == UNKNOWN) | masked & _forced(file)] = IGNORE
        if isinstance(file, AlignedMask):
            found[~file.covered(window)] = IGNORE
        return found, codes

    def hidden(self, file: Mask, window: Slice) -> int:
        """Number of pixels of a class that are transparent, or hidden by a mask band."""
        if isinstance(file, AlignedMask) or MaskFlags.per_dataset not in file.mask_flag_enums[0]:
            return 0
        masked = file.read_masks(1, window=window) == 0
        return int((self.lookup(self._codes(file, window))[masked] < IGNORE).sum())

    def _codes(self, file: Mask, window: Slice) -> NDArray[Any]:
        bands = sum(c != ColorInterp.alpha for c in file.colorinterp)
        if not self.colors:
            return _equal_bands(file, bands, window)
        if bands not in (1, 3) or file.dtypes[0] != "uint8":
            remedy = "Give an 8-bit RGB or paletted mask, or list integers as data.classes values"
            raise InputError(
                f"{file.name}, bands",
                f"{bands} bands of {file.dtypes[0]}, but data.classes lists colours",
                remedy,
            )
        if bands == 1:
            return _palette(file)[file.read(1, window=window)]
        red, green, blue = file.read([1, 2, 3], window=window).astype(np.uint32)
        return np.asarray(red << 16 | green << 8 | blue)


def distances(codes: NDArray[Any], values: NDArray[np.float64], colors: bool) -> NDArray[np.float64]:
    """How far values (n,) are from others (m,), (n, m): of colours, packed, the length of R, G and B."""
    if not colors:
        return np.asarray(np.abs(codes[:, None].astype(np.float64) - values))
    first, second = (
        np.stack([x.astype(np.int64) >> shift & 255 for shift in (16, 8, 0)], -1) for x in (codes, values)
    )
    return np.asarray(np.linalg.norm(first[:, None] - second, axis=-1))


def _equal_bands(file: Mask, bands: int, window: Slice) -> NDArray[Any]:
    """The values of a mask of one band, or of several that say the same, as image editors save grey.

    Raises:
        InputError: they differ.
    """
    numbers = [i for i, c in enumerate(file.colorinterp, 1) if c != ColorInterp.alpha]
    first, *others = file.read(numbers, window=window)
    if any(not np.array_equal(first, other, equal_nan=first.dtype.kind == "f") for other in others):
        found = f"{bands} bands that differ, but data.classes lists integers"
        remedy = "Give a mask with one band, or list colours such as '#ff0000' as data.classes values"
        raise InputError(f"{file.name}, bands", found, remedy)
    return np.asarray(first)


def _forced(file: Mask) -> bool:
    """Whether the file has a mask band: it is made to hide labels. Alpha often only comes with a format."""
    flags = file.mask_flag_enums[0]
    return MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags


def _palette(file: Mask) -> NDArray[np.uint32]:
    """Packed colours of the 256 values of a one-band file; shades of grey when it has no palette."""
    table = np.arange(256, dtype=np.uint32) * 0x010101
    if file.colorinterp[0] == ColorInterp.palette:
        for value, (red, green, blue, _) in file.colormap(1).items():
            table[value] = red << 16 | green << 8 | blue
    return table
