"""The evidence as a picture: the gain at each share of labels, a panel a network, a line a generator."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from landloom.config.segment import EVERY
from landloom.reporting.figures import SERIES, style

PANEL = (4.2, 3.2)
"""Width and height of a panel in inches."""
ACROSS = 3
"""Panels side by side."""
APART = 1.03
"""Factor between the places of two generators at one share, so that their bars can be told apart."""


def write(path: Path, table: pd.DataFrame) -> None:
    """Write the picture (PNG) of the gains in mean IoU at the chosen ratios, with their intervals.

    Args:
        path: where to.
        table: the evidence.
    """
    with mpl.rc_context(style(dark=False)):  # type: ignore[arg-type]
        figure = Figure(figsize=size(table), dpi=120, layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)
        draw(figure, table)
        figure.savefig(path, format="png", metadata={"Software": None})


def size(table: pd.DataFrame) -> tuple[float, float]:
    """Width and height of the picture in inches."""
    across, down = _grid(len(panels(_shown(table))))
    return PANEL[0] * across, PANEL[1] * down + 0.3


def draw(figure: Figure, table: pd.DataFrame) -> None:
    """Draw the panels."""
    shown = _shown(table)
    names = panels(shown)
    across, down = _grid(len(names))
    grid = figure.subplots(down, across, squeeze=False, sharey=True)
    for axes in list(grid.flat)[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(grid.flat, names, strict=False):
        _panel(axes, name, shown[shown["network"] == name], table)
    for line in grid:
        line[0].set_ylabel("gain in mean IoU, points")
    if names:
        lines, words = grid.flat[0].get_legend_handles_labels()
        figure.legend(lines, words, loc="outside upper center", ncols=4)


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["chosen"] & (table["class"] == "mean")]


def _grid(count: int) -> tuple[int, int]:
    """Panels side by side, and lines of them."""
    across = max(1, min(ACROSS, count))
    return across, max(1, -(-count // across))


def panels(shown: pd.DataFrame) -> list[str]:
    """Networks that have a panel; all together come last, and not where there is one alone."""
    names = list(dict.fromkeys(shown["network"]))
    single = [n for n in names if n != EVERY]
    return [*single, EVERY] if EVERY in names and len(single) > 1 else single


def _panel(axes: Axes, name: str, rows: pd.DataFrame, table: pd.DataFrame) -> None:
    generators = list(dict.fromkeys(table["generator"]))
    axes.axhline(0, color=SERIES[0], linewidth=1)
    for i, generator in enumerate(generators):
        found = rows[rows["generator"] == generator].sort_values("labelled")
        places = 100 * found["labelled"] * APART ** (i - (len(generators) - 1) / 2)
        gain = found["gain"]
        ends = np.nan_to_num([gain - found["low"], found["high"] - gain])
        color = SERIES[1 + i % (len(SERIES) - 1)]
        axes.errorbar(
            places, gain, yerr=ends.clip(0), color=color, marker="o", markersize=4, linewidth=1.4,
            elinewidth=1, capsize=3, label=generator,
        )  # fmt: skip
    _ticks(axes, table)
    axes.set_title("mean over networks" if name == EVERY else name)
    axes.grid(axis="y")


def _ticks(axes: Axes, table: pd.DataFrame) -> None:
    """Say at each share how many real tiles it has."""
    shares = table.drop_duplicates("labelled").sort_values("labelled")
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    words = [f"{100 * s:g} %\n({n:,.0f})" for s, n in zip(shares["labelled"], shares["n_real"], strict=True)]
    axes.set_xticks(100 * shares["labelled"], words)
    low, high = 100 * shares["labelled"].iloc[0], 100 * shares["labelled"].iloc[-1]
    axes.set_xlim(low / 1.3, high * 1.3)
    axes.set_xlabel("train scenes with labels (real tiles)")
