"""The label table as a picture: how far class shares are off, and what the masks look like."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from landloom.data.statistics import Statistics
from landloom.raster import palette

COLUMNS = 8  # masks per row
SIDE = 1.0  # inches of one mask
INK, BAR, EDGE = "#3b4248", "#2a7f86", "#b9bdb8"

Mask = NDArray[np.uint8]


def write(
    path: Path, table: pd.DataFrame, masks: Mapping[str, Sequence[Mask]], statistics: Statistics
) -> None:
    """Write the picture: a row per set of masks, a bar with its mCPE where the table has one.

    Args:
        path: PNG to write.
        table: the label table.
        masks: masks by variant; the same request stands in the same column.
        statistics: classes and colours.
    """
    errors = table.drop_duplicates("variant").set_index("variant")["mcpe"]
    with mpl.rc_context({"font.size": 8.5, "text.color": INK}):
        size = (SIDE * (COLUMNS + 3), SIDE * len(masks) + 0.6)
        figure = Figure(figsize=size, dpi=120, layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)
        grid = figure.subplots(len(masks), COLUMNS + 1, squeeze=False, width_ratios=[3.0] + [1.0] * COLUMNS)
        for axes in grid.flat:
            axes.set_axis_off()
        most = max(float(errors.max()), 1e-9)
        for line, (name, found) in zip(grid, masks.items(), strict=True):
            value = errors.get(name)
            if value is not None:
                line[0].barh([0], [float(value) / most], color=BAR, height=0.35)
            text = name if value is None else f"{name}\nmCPE {value:.2f}"
            line[0].text(0, 0.35, text, va="bottom")
            line[0].set_xlim(0, 1)
            line[0].set_ylim(-0.4, 1.2)
            for axes, mask in zip(line[1:], found, strict=False):
                axes.imshow(palette.rgb(mask, statistics.colors), interpolation="nearest")
        patches = [Patch(facecolor=c.color, edgecolor=EDGE, label=c.name) for c in statistics.classes]
        figure.legend(handles=patches, loc="outside lower center", ncols=min(len(patches), 7), frameon=False)
        figure.savefig(path, format="png", metadata={"Software": None})
