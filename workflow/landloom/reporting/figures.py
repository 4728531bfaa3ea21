"""The charts of the page: drawn twice, for light and for dark screens."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from landloom.reporting.gather import Curve
from landloom.reporting.pictures import uri
from landloom.reporting.tables import run_name

WIDTH = 9.6  # inches; the page is 1040 pixels wide at most
DPI = 130
SERIES = ("#8a9299", "#2a7f86", "#d08a2e", "#8a5a9e", "#b5483a", "#5b8c3e", "#41699e", "#a98467")
"""First the colour of real data; the rest can be told apart with colour-blind eyes and on either ground."""


@dataclass(frozen=True)
class Chart:
    """A chart as data: URIs, with words for those who cannot see it."""

    light: str
    dark: str
    text: str


def style(dark: bool) -> dict[str, Any]:
    """Choose the settings of matplotlib for one ground."""
    ink, line = ("#c9cdd1", "#3a4046") if dark else ("#3b4248", "#d9dbd7")
    colors = {
        k: ink for k in ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.titlecolor")
    }
    flags = {"axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False}
    return colors | flags | {
        "axes.edgecolor": line,
        "grid.color": line,
        "grid.linewidth": 0.7,
        "axes.axisbelow": True,
        "font.size": 9,
        "axes.titlesize": 9.5,
        "axes.titlelocation": "left",
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "ytick.minor.size": 0,
        "legend.frameon": False,
    }  # fmt: skip


def chart(draw: Callable[[Figure], None], height: float, text: str) -> Chart:
    """Draw a chart for both grounds; ``height`` in inches. The same input gives the same bytes."""
    found = []
    for dark in (False, True):
        with mpl.rc_context(style(dark)):  # type: ignore[arg-type]
            figure = Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained")
            FigureCanvasAgg(figure)
            draw(figure)
            memory = io.BytesIO()
            figure.savefig(memory, format="png", transparent=True, metadata={"Software": None})
        found.append(uri(memory.getvalue()))
    return Chart(found[0], found[1], text)


def _bars(
    axes: Axes, names: Sequence[str], series: dict[str, tuple[Sequence[float], Sequence[float] | None]]
) -> None:
    """Draw grouped bars: series name to (values, spreads)."""
    width = 0.8 / max(len(series), 1)
    for i, (label, (values, spreads)) in enumerate(series.items()):
        places = np.arange(len(names)) + (i - (len(series) - 1) / 2) * width
        color = SERIES[i % len(SERIES)]
        axes.bar(places, np.nan_to_num(values), width * 0.9, color=color, label=label)
        if spreads is not None:
            ink = mpl.rcParams["text.color"]
            axes.errorbar(
                places, values, yerr=np.nan_to_num(spreads), fmt="none", ecolor=ink, elinewidth=1, capsize=2
            )
    axes.set_xticks(range(len(names)), [_wrap(n) for n in names])
    axes.grid(axis="y")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=min(len(series), 4))


def _wrap(name: str) -> str:
    return name.replace(" ", "\n", 1) if len(name) > 12 else name


def proportions(names: Sequence[str], series: dict[str, Sequence[float]]) -> Chart:
    """Bars of class shares in percent: series name to shares (0 to 1)."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _bars(axes, names, {k: ([100 * float(v) for v in vs], None) for k, vs in series.items()})
        axes.set_ylabel("share of pixels, %")

    return chart(draw, 2.9, f"Bar chart: class shares, {', '.join(series)}")


def scores(summary: pd.DataFrame, network: str, names: Sequence[str]) -> Chart:
    """Bars of IoU per class with the spread over seeds, for one network."""
    columns = [*names, "mean"]
    series: dict[str, tuple[Sequence[float], Sequence[float] | None]] = {}
    group = summary[summary["network"] == network]
    for (generator, ratio), run in group.groupby(["generator", "ratio"], sort=False):
        by_class = run.drop_duplicates("class").set_index("class").reindex(columns)
        series[run_name(str(generator), ratio)] = (
            by_class["iou_mean"].tolist(),
            by_class["iou_std"].tolist(),
        )

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _bars(axes, columns, series)
        axes.set_ylabel("IoU, %")

    return chart(draw, 3.2, f"Bar chart: IoU of {network} per class with the spread over seeds")


def losses(panels: dict[str, dict[str, Curve]]) -> Chart:
    """Loss curves, a panel per training; the axis is logarithmic where losses span a factor of ten."""
    columns = min(3, len(panels))
    count = ceil(len(panels) / columns)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(count, columns, squeeze=False)
        for axes, (title, lines) in zip(grid.flat, panels.items(), strict=False):
            _panel(axes, title, lines)
        for axes in list(grid.flat)[len(panels) :]:
            axes.set_axis_off()

    return chart(draw, 2.2 * count, f"Loss curves: {', '.join(panels)}")


def _panel(axes: Axes, title: str, lines: dict[str, Curve]) -> None:
    values = np.concatenate([v for _, v in lines.values()])
    for i, (name, (steps, loss)) in enumerate(lines.items()):
        color = SERIES[(i if len(lines) > 1 else 1) % len(SERIES)]
        axes.plot(
            steps, loss, color=color, linewidth=1.3, label=name, marker="o" if len(steps) == 1 else None
        )
    if values.min() > 0 and values.max() > 10 * values.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_title(title)
    axes.grid(axis="y")
    if len(lines) > 1:
        axes.legend(fontsize=7.5)
