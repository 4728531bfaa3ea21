"""The contact sheet as one PNG, for a README: what was real, what was asked for, what was made."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from landloom.data.statistics import Statistics
from landloom.raster import palette
from landloom.reporting.display import Display
from landloom.reporting.gather import Row
from landloom.reporting.pictures import trust_colors

COLUMNS = ("real image", "real mask", "asked for", "generated mask", "generated image", "judge's trust")
SIDE = 1.55  # inches of one picture
INK, EDGE = "#3b4248", "#b9bdb8"


def write(path: Path, rows: Sequence[Row], display: Display) -> None:
    """Write the sheet: a row per sample; real tiles are those nearest to what was asked for."""
    with mpl.rc_context({"font.size": 9, "text.color": INK, "axes.labelcolor": INK}):
        size = (SIDE * len(COLUMNS) + 0.3, SIDE * max(len(rows), 1) + 0.75)
        figure = Figure(figsize=size, dpi=120, layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)
        grid = figure.subplots(max(len(rows), 1), len(COLUMNS), squeeze=False)
        for axes, title in zip(grid[0], COLUMNS, strict=True):
            axes.set_title(title, fontsize=9.5)
        for axes in grid.flat:
            axes.set_axis_off()
        for line, row in zip(grid, rows, strict=False):
            _draw(list(line), row, display)
        classes = display.statistics.classes
        patches = [Patch(facecolor=c.color, edgecolor=EDGE, label=c.name) for c in classes]
        figure.legend(handles=patches, loc="outside lower center", ncols=min(len(patches), 7), frameon=False)
        figure.savefig(path, format="png", metadata={"Software": None})


def _draw(line: list[Axes], row: Row, display: Display) -> None:
    statistics = display.statistics
    real_image, real_mask, asked, mask, image, trust = line
    if row.real is not None:
        _show(real_image, display.picture(row.real.image_array()))
        _show(real_mask, palette.rgb(row.real.mask_array(), statistics.colors))
    if row.entry.target is not None:
        _bars(asked, row.entry.target, statistics)
    _show(mask, palette.rgb(row.made.mask_array(), statistics.colors))
    _show(image, display.picture(row.made.image_array()))
    if row.made.trust is not None:
        _show(trust, trust_colors(row.made.trust_array()))


def _show(axes: Axes, picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    axes.imshow(picture, interpolation="none" if max(picture.shape) < 128 else "antialiased")


def _bars(axes: Axes, target: Sequence[float], statistics: Statistics) -> None:
    """Bars of the shares asked for, in percent; a class that was left free has a dash."""
    places = [float(i) for i in range(len(target))]
    axes.barh(
        places, np.nan_to_num(target), color=statistics.colors, edgecolor=EDGE, linewidth=0.6, height=0.7
    )
    for place, share in zip(places, target, strict=True):
        text = "–" if np.isnan(share) else f"{100 * share:.0f}"
        axes.text(np.nan_to_num(share) + 0.03, place, text, va="center", fontsize=7.5)
    axes.set_xlim(0, 1.2)
    axes.set_ylim(len(target) - 0.4, -0.6)
    axes.set_box_aspect(1)
