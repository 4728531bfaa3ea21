"""Images of whole scenes by the ControlNet: windows of a mask become one canvas, its latents then pixels."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landloom.config.run import RunConfig
from landloom.config.scene_sample import SceneSampleConfig
from landloom.data.canvas import Canvas, Floats, felt
from landloom.data.scene import Scene
from landloom.data.strips import Lattice, Work
from landloom.diffusion import canvas
from landloom.diffusion.canvas import CanvasSampler, Pass
from landloom.diffusion.canvas_state import CanvasState, needed
from landloom.diffusion.feedback import JudgeFeedback
from landloom.diffusion.images import DiffusionImages
from landloom.diffusion.sampling import Guided, Steering, Trajectory
from landloom.raster.windows import Window


class SceneImages:
    """Makes the image of one scene in a folder, from where it was left.

    Args:
        images: the generator.
        scene: what windows are told.
        config: overlap and averagings.
        how: seconds between checkpoints.
        folder: of the arrays.
        seed: of the noise.
        rows: which rows of the scene are wanted; all of them when None.
    """

    def __init__(
        self, images: DiffusionImages, scene: Scene, config: SceneSampleConfig, how: RunConfig, folder: Path,
        seed: int, rows: range | None = None,
    ) -> None:  # fmt: skip
        self.images, self.scene, self.model = images, scene, images.model
        self.factor, own = images.model.factor, images.config
        self.rows = rows or range(scene.canvas.height)
        part = around(scene.canvas, self.rows, images.dataset.size, config, images.model.cell)
        self.lattice = lattice(part, images.dataset.size, config.overlap, images.model.cell, seed)
        size, stride = self.lattice.size // self.factor, self.lattice.stride // self.factor
        self.cells = Lattice(self.lattice.extent.cells(self.factor), size, stride)
        channels, box = int(self.model.network.config.in_channels), self.cells.extent
        extent = Window(box.row, box.col, box.height, box.width)
        shape = images.dataset.bands, part.height, part.width
        pixels = shape, images.dataset.dtype
        self.strength = own.collage.strength if scene.image is not None else 1.0
        path = Trajectory(self.model.scheduler, own.steps, images.device, own.solver, self.strength)
        self.steps = len(path)
        self.state = CanvasState(folder, extent, channels, pixels, how.checkpoint)
        start = self.fitted(self.encoded) if self.strength < 1 else None
        count = None if config.averagings == "all" else config.averagings
        self.sampler = CanvasSampler(self.cells, self.state, path, self, channels, count, start)
        self.bytes = needed(extent, channels, self.sampler.names, pixels)
        self.pixel_bytes = needed(extent, channels, [], pixels)

    def run(self) -> NDArray[Any]:
        """Pixels (C, H, W) of the wanted rows in the dataset's units and type, mapped from the disk.

        Raises:
            Interrupted: told to stop; how far it has come is noted.
        """
        passes = [replace(p, work=self.fitted(p.work) if p.work else None) for p in self.sampler.passes()]
        passes.append(Pass("decoding", self.fitted(self.decoded), self.shown, self.factor))
        canvas.run(passes, self.cells, self.state, self.images.config.batch)
        above = self.rows.start + self.scene.canvas.row - self.lattice.canvas.row
        return self.state.pixels[:, above : above + len(self.rows)]

    def fitted(self, work: Work) -> Work:
        """Work done in as many parts as the GPU needs."""

        def parts(windows: Sequence[Window]) -> Iterable[Floats]:
            return self.images.fitting(lambda some: work(windows[some]), len(windows))

        return parts

    def told(self, windows: Sequence[Window]) -> Guided:
        """The denoiser under the masks, words and hints of windows of cells."""
        given = self.images.conditions.load(self.samples(windows))
        return Guided(self.images.denoiser, given, self.images.guides)

    def steering(self, windows: Sequence[Window]) -> Steering | None:
        """Feedback of the judge, if it has a say."""
        judge, feedback = self.images.judge, self.images.config.feedback
        if judge is None:
            return None
        masks = torch.from_numpy(np.stack([s.mask_array() for s in self.samples(windows)]))
        return JudgeFeedback(self.model, judge, masks.to(self.images.device), feedback, self.steps)

    def samples(self, windows: Sequence[Window]) -> list[Any]:
        """Samples of windows of cells."""
        return self.scene.samples([Window(*(n * self.factor for n in w)) for w in windows])

    def encoded(self, windows: Sequence[Window]) -> Iterable[Floats]:
        """Latents (c, h, w) of the scene's own image."""
        found = [self.images.dataset.scale(s.image_array()) for s in self.samples(windows)]
        return list(self.model.encode(torch.from_numpy(np.stack(found))).float().cpu().numpy())

    @torch.no_grad()
    def decoded(self, windows: Sequence[Window]) -> Iterable[Floats]:
        """Images (C, H, W) in [-1, 1]."""
        latents: Tensor = self.sampler.cut(windows).to(self.images.dtype)
        return list(self.model.decode(latents).float().cpu().numpy())

    def shown(self, at: Window, values: Floats) -> dict[str, Floats]:
        """Put a strip of the image where it belongs; what lies beside the canvas is left out."""
        place, whole = Window(*(n * self.factor for n in at)), self.lattice.canvas
        rows, cols = (
            slice(max(a, b), min(a + n, b + m))
            for a, n, b, m in (
                (place.row, place.height, whole.row, whole.height),
                (place.col, place.width, whole.col, whole.width),
            )
        )
        if rows.start < rows.stop:
            part = values[:, _moved(rows, place.row), _moved(cols, place.col)]
            found = self.images.dataset.unscale(part)
            self.state.pixels[:, _moved(rows, whole.row), _moved(cols, whole.col)] = found
        return {}


def around(canvas: Canvas, rows: range, size: int, config: SceneSampleConfig, cell: int) -> Canvas:
    """The part of a scene that is made for some of its rows: all of it if they are all."""
    if len(rows) == canvas.height:
        return canvas
    assert config.averagings != "all"  # the config says so
    margin = felt(size, strides(size, config.overlap, cell), config.averagings)
    first, last = max(0, rows.start - margin), min(canvas.height, rows.stop + margin)
    return canvas.at(Window(canvas.row + first, canvas.col, last - first, canvas.width))


def _moved(part: slice, origin: int) -> slice:
    return slice(part.start - origin, part.stop - origin)


def lattice(canvas: Canvas, size: int, overlap: float, cell: int, seed: int) -> Lattice:
    """Windows of a scene in pixels, on a lattice of whole cells; they may reach over its edges."""
    return Lattice(replace(canvas, seed=seed, crs=None, transform=None), size, strides(size, overlap, cell))


def strides(size: int, overlap: float, cell: int) -> int:
    """Pixels from one window to the next, whole cells."""
    return max(1, round(size * (1 - overlap) / cell)) * cell
