"""The section on masks: asked against got, the best and the worst, their shapes, and the ablation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from landloom.data.statistics import Statistics
from landloom.reporting import figures, gather
from landloom.reporting.gather import Entry
from landloom.reporting.pictures import Thumbnails
from landloom.reporting.tables import Table, number

COLUMNS = 5  # classes side by side
SHOWN = 6  # best masks, and as many worst


def section(
    entries: Sequence[Entry], generators: Sequence[str], statistics: Statistics, thumbnails: Thumbnails
) -> list[dict[str, Any]]:
    """What the template shows of each generator whose masks were asked for."""
    found = []
    for generator in generators:
        asked = [e for e in entries if e.generator == generator and e.target]
        if asked:
            best, worst = extremes(asked, thumbnails)
            found.append(
                {"generator": generator, "chart": scatter(asked, statistics), "best": best, "worst": worst}
            )
    return found


def error(entry: Entry) -> float:
    """Mean absolute error over the named classes of a mask, in points."""
    gap = np.abs(np.array(entry.ratios) - np.array(entry.target))
    return float(100 * np.nanmean(gap)) if not np.isnan(gap).all() else 0.0


def mix(names: Sequence[str], ratios: Sequence[float]) -> str:
    """Class shares in words, the largest first: what a mask shows to those who cannot see it."""
    found = sorted(((r, n) for n, r in zip(names, ratios, strict=True) if r > 0), key=lambda x: -x[0])
    return ", ".join(f"{n} {100 * r:.0f} %" for r, n in found)


def extremes(
    asked: Sequence[Entry], thumbnails: Thumbnails
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The masks nearest to and farthest from what was asked for, with their errors."""
    ordered = sorted(asked, key=lambda e: (error(e), e.id))
    worst = ordered[: -SHOWN - 1 : -1]
    best = [e for e in ordered[:SHOWN] if e not in worst]
    loaded = gather.load((e.path, e.id) for e in [*best, *worst])

    def shown(chosen: Sequence[Entry]) -> list[dict[str, Any]]:
        return [
            {
                "id": e.id,
                "mask": thumbnails.mask(loaded[e.path, e.id].mask_array()),
                "text": f"off by {number(error(e), 2)} points",
            }
            for e in chosen
        ]

    return shown(best), shown(worst)


def scatter(asked: Sequence[Entry], statistics: Statistics) -> figures.Chart:
    """Asked against obtained shares in percent, one panel a class; open classes are left out."""
    got = 100 * np.array([e.ratios for e in asked], np.float64)
    wanted = 100 * np.array([e.target for e in asked], np.float64)
    columns = min(COLUMNS, len(statistics.classes))
    rows = -(-len(statistics.classes) // columns)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in list(grid.flat)[len(statistics.classes) :]:
            axes.set_axis_off()
        for k, (axes, spec) in enumerate(zip(grid.flat, statistics.classes, strict=False)):
            most = max(float(np.nanmax(np.append(wanted[:, k], 1))), float(got[:, k].max()))
            axes.plot([0, most], [0, most], color="#8a9299", linewidth=0.8)
            axes.scatter(wanted[:, k], got[:, k], s=9, color=spec.color, edgecolors="#8a9299", linewidths=0.4)
            axes.set_title(spec.name)
            axes.set_xlabel("asked, %")
            axes.set_ylabel("got, %" if k % columns == 0 else "")

    return figures.chart(
        draw, 2.2 * rows, "Scatter charts: shares asked for against shares obtained, by class"
    )


def ablation(table: pd.DataFrame, names: Sequence[str]) -> Table:
    """Class proportion error of each variant of the label table, in points."""
    rows = []
    for variant, group in table.groupby("variant", sort=False):
        errors = group.set_index("class")["cpe"]
        first = group.iloc[0]
        cells = [number(errors.get(n, float("nan")), 2) for n in names]
        each = float(first["seconds"]) / max(int(first["n"]), 1)
        rows.append([variant, *cells, number(first["mcpe"], 2), f"{int(first['n'])}", number(each, 2)])
    return Table("Levers", ["variant", *names, "mCPE", "n", "s per mask"], rows)


def shapes(table: pd.DataFrame) -> Table:
    """How far masks are from held-out real ones, beyond class shares."""
    header = [
        "masks",
        "adjacency",
        "regions",
        "boundary",
        "specks",
        "joined",
        "FID",
        "KID",
        "nearest train mask",
        "copies, %",
        "residual",
        "n",
    ]
    rows = [
        [
            r.get("variant", r.get("generator")),
            *(number(r[c], 2) for c in ("adjacency", "regions", "boundary", "specks", "joined", "fid")),
            number(r["kid"], 4),
            number(r["nearest"], 3),
            number(100 * r["copies"], 1),
            number(r.get("residual", float("nan")), 3),
            number(r["n"], 0),
        ]
        for r in table.to_dict("records")
    ]
    return Table("Shapes", header, rows)
