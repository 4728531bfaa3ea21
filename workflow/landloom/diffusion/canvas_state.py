"""Arrays of a canvas on disk, and how far it has come: a job that was stopped goes on from there.

A pass over the canvas reads one generation of each array and writes another, strip by strip. So a strip can
be done again, and nothing that was half written is ever read.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from landloom.data.canvas import Floats
from landloom.raster.windows import Window
from landloom.training.loop import Interval

NAME = "checkpoint"
"""How all names begin: what a finished job does not leave behind."""


class CanvasState:
    """Arrays (c, h, w) of the latents, and one of the pixels, in a folder.

    Attributes:
        number: the pass that comes next.
        strip: its strip that comes next.

    Args:
        folder: of the job.
        extent: the rectangle that the latents cover.
        channels: of the latents.
        pixels: shape and type of the pixels.
        every: seconds between two notes of how far it has come.
    """

    def __init__(
        self, folder: Path, extent: Window, channels: int, pixels: tuple[tuple[int, ...], str], every: float
    ) -> None:  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.extent, self.due = folder, extent, Interval(every)
        self.latents = (channels, extent.height, extent.width), "float32"
        self.shown = pixels
        self.arrays: dict[str, NDArray[Any]] = {}
        note = folder / f"{NAME}.json"
        found: list[int] = json.loads(note.read_text()) if note.is_file() else [0, 0]
        self.number, self.strip = found

    def read(self, name: str, at: Window) -> Floats:
        """A part (c, h, w) of the latents of a name, at global places, as the last pass left it."""
        return np.array(self._array(f"{name}.{self.number % 2}", *self.latents)[:, *self._inside(at)])

    def write(self, found: Mapping[str, Floats], at: Window) -> None:
        """Give latents of some names their values (c, h, w) after this pass."""
        for name, values in found.items():
            array = self._array(f"{name}.{(self.number + 1) % 2}", *self.latents)
            array[:, *self._inside(at)] = values

    @property
    def pixels(self) -> NDArray[Any]:
        """Pixels (C, H, W) of the canvas."""
        return self._array("pixels", *self.shown)

    def done(self, stopping: bool) -> None:
        """The next strip is done; it is noted from time to time, and before a stop."""
        self.strip += 1
        if self.due() or stopping:
            self.save()

    def turn(self) -> None:
        """The pass is done. It is noted at once, for the next one writes over what this one has read."""
        self.number, self.strip = self.number + 1, 0
        self.save()

    def save(self) -> None:
        """Bring the arrays to disk, then the note."""
        for array in self.arrays.values():
            array.flush()  # type: ignore[attr-defined]
        partial = self.folder / f"{NAME}.json.partial"
        with partial.open("w") as file:
            json.dump([self.number, self.strip], file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.folder / f"{NAME}.json")

    def drop(self) -> None:
        """Remove all of it."""
        self.arrays.clear()
        for file in self.folder.glob(f"{NAME}.*"):
            file.unlink()

    def _inside(self, at: Window) -> tuple[slice, slice]:
        row, col = at.row - self.extent.row, at.col - self.extent.col
        return slice(row, row + at.height), slice(col, col + at.width)

    def _array(self, name: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        if name not in self.arrays:
            file = self.folder / f"{NAME}.{name}.npy"
            if not file.is_file():  # as long as it will be, or not there
                partial = file.with_suffix(".partial")
                npy.open_memmap(partial, "w+", dtype, shape)
                partial.replace(file)
            self.arrays[name] = npy.open_memmap(file, "r+")
        return self.arrays[name]


def needed(extent: Window, channels: int, names: Iterable[str], pixels: tuple[tuple[int, ...], str]) -> int:
    """Bytes of all arrays: two generations of the latents, and the pixels."""
    latents = 2 * len(list(names)) * channels * extent.height * extent.width * 4
    return latents + int(np.prod(pixels[0])) * np.dtype(pixels[1]).itemsize
