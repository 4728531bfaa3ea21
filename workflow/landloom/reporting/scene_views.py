"""Whole scenes with pan and zoom: what of their overviews the page can hold."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from landloom.raster.overviews import Overviews
from landloom.raster.windows import Window
from landloom.reporting import pictures
from landloom.reporting.display import WHOLE, Display

SIDE = 512
"""Side of a piece of a scene in pixels of its scale."""
SCENES = 24
"""Scenes shown at most."""
GROWS = 2
"""A scale takes more than this many times the room of the next coarser one; with less it is not tried."""


@dataclass(frozen=True)
class SceneFiles:
    """Image and mask of a scene that was made."""

    image: Path
    mask: Path

    @property
    def name(self) -> str:
        """Name of the scene."""
        return self.image.name.removesuffix(".image.tif")

    @property
    def author(self) -> str:
        """Generator that made it; nothing for one that was quilted from train tiles."""
        return self.image.parent.parent.name if self.image.parent.name == "scenes" else ""


def section(scenes: Sequence[SceneFiles], display: Display, budget: float) -> list[dict[str, Any]]:
    """What the template shows of the first ``SCENES`` scenes, in about ``budget`` signs together."""
    shown = scenes[:SCENES]
    return [_view(scene, display, budget / len(shown)) for scene in shown]


def _view(scene: SceneFiles, display: Display, budget: float) -> dict[str, Any]:
    """A scene from its coarsest scale, which is always there, to the finest that the budget holds."""
    with Overviews(scene.image) as image, Overviews(scene.mask) as mask:
        pieces = Pieces(image, mask, display)
        base = pieces.piece(0, Window(0, 0, *image.levels[0]))
        finer: list[dict[str, Any]] = []
        last = sum(map(len, base))
        for level, (height, width) in list(enumerate(image.levels))[1:]:
            budget -= last
            found = pieces.fitting(level, budget) if budget > GROWS * last else None
            if found is None:
                break
            last = sum(len(part) for pair in found for part in pair)
            finer.append({"height": height, "width": width, "pieces": found})
        height, width = image.levels[-1]
        data = {"height": height, "width": width, "side": SIDE, "levels": finer}
        data["finest"] = width / image.levels[len(finer)][1]
        return {
            "scene": scene,
            "height": height,
            "width": width,
            "image": base[0],
            "mask": base[1],
            "gain": "" if pieces.range == WHOLE else f"×{pieces.range.gain:.3g}",
            "finest": image.levels[len(finer)],
            "data": Markup(json.dumps(data, separators=(",", ":"))),
        }


class Pieces:
    """Pictures of parts of a scene, all of them stretched as its coarsest scale asks.

    Args:
        image: of the scene.
        mask: its class indices, with the same scales.
        display: how images are shown.
    """

    def __init__(self, image: Overviews, mask: Overviews, display: Display) -> None:
        self.image, self.mask, self.display = image, mask, display
        self.range = display.visible(image.read(0, Window(0, 0, *image.levels[0])))

    def piece(self, level: int, window: Window) -> tuple[str, str]:
        """Image and mask of a window at a scale, as data: URIs."""
        picture = self.display.picture(self.image.read(level, window), self.range)
        colors = self.display.statistics.colors
        return pictures.dense(picture), pictures.flat(self.mask.read(level, window)[0], colors)

    def fitting(self, level: int, budget: float) -> list[tuple[str, str]] | None:
        """All pieces of a scale, row by row; None as soon as they are more than ``budget`` signs."""
        found = []
        for window in grid(*self.image.levels[level]):
            found.append(self.piece(level, window))
            budget -= sum(map(len, found[-1]))
            if budget < 0:
                return None
        return found


def grid(height: int, width: int) -> Iterator[Window]:
    """Squares of ``SIDE`` pixels that cover a raster, row by row, cut off at its edges."""
    for row in range(0, height, SIDE):
        for col in range(0, width, SIDE):
            yield Window(row, col, min(SIDE, height - row), min(SIDE, width - col))
