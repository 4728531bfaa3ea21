"""The evaluation tables as rows of the page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from landloom.data.quality import Quality, accepted
from landloom.runtime.csv_tables import plain
from landloom.runtime.reading import reading

MISSING = "–"


@dataclass(frozen=True)
class Cell:
    """A score with its spread, and its gain over training on real data only (points), with its interval."""

    value: str
    spread: str
    difference: str
    tone: str  # up, down or nothing: only an interval without zero has a colour


@dataclass(frozen=True)
class Table:
    """A titled table."""

    title: str
    header: list[str]
    rows: list[list[Any]]


def read(paths: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Read the evaluation tables by file name; names of generators and classes stay text."""
    return {p.stem: read_one(p) for p in paths}


def read_one(path: Path) -> pd.DataFrame:
    """Read a table that ``csv_tables`` wrote."""
    text = {"generator": str, "variant": str, "class": str, "network": str, "extractor": str}
    with reading(path, "cannot be read as CSV", "Delete it and run again what makes it"):
        found = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=["", "nan", "NaN"])
    texts = found.select_dtypes(exclude="number").columns
    return found.assign(**{c: found[c].map(plain) for c in texts}).rename(columns=plain)


def number(value: float, digits: int = 1, sign: bool = False) -> str:
    """Format a number; a dash when it is not known. A true minus sign keeps columns even."""
    if pd.isna(value):
        return MISSING
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def label_ratios(table: pd.DataFrame, names: Sequence[str]) -> Table:
    """Class proportion error per generator and class, and its mean, in points."""
    rows = []
    for generator, group in table.groupby("generator", sort=False):
        by_class = group.set_index("class")["cpe"]
        first = group.iloc[0]
        errors = [number(by_class.get(n, float("nan")), 2) for n in names]
        rows.append([generator, *errors, number(first["mcpe"], 2), f"{int(first['n'])}"])
    return Table("Class proportion error", ["generator", *names, "mCPE", "n"], rows)


def image_quality(table: pd.DataFrame) -> Table:
    """FID, KID, agreement, diversity and cost per generator, with the extractor and the numbers of images."""
    rows = [
        [
            r["generator"],
            r["extractor"],
            number(r["fid"], 2),
            number(r["kid"], 4),
            number(r["agreement_synthetic"], 3),
            number(r["agreement_real"], 3),
            number(r["diversity"], 2),
            number(r["n"], 0),
            number(r["n_reference"], 0),
            number(r["train_minutes"], 1),
            MISSING if pd.isna(r["device"]) else r["device"],
        ]
        for r in table.to_dict("records")
    ]
    header = [
        "generator", "extractor", "FID", "KID", "mIoU synthetic", "mIoU real", "diversity", "n",
        "n real", "minutes", "device",
    ]  # fmt: skip
    return Table("Image quality", header, rows)


def curation(judged: Mapping[str, Sequence[Quality | None]]) -> Table:
    """Accepted samples per generator, and how often each reason to reject was given."""
    reasons = {
        g: Counter(reason for q in found if q is not None for reason in q.reasons)
        for g, found in judged.items()
    }
    names = sorted({r for counts in reasons.values() for r in counts})
    rows = []
    for generator, found in judged.items():
        kept = sum(map(accepted, found))
        share = number(100 * kept / len(found)) if found else MISSING
        rows.append([generator, len(found), share, *(reasons[generator][r] for r in names)])
    return Table("Acceptance", ["generator", "samples", "accepted %", *names], rows)


def segmentation(summary: pd.DataFrame, gain: pd.DataFrame, names: Sequence[str]) -> list[Table]:
    """IoU per class for each training set, with gains and their intervals; one table per network."""
    columns, keys = [*names, "mean"], ["generator", "ratio", "network", "class"]
    summary = summary.merge(gain[[*keys, "ci_low", "ci_high"]], how="left", on=keys)
    tables = []
    for network, group in summary.groupby("network", sort=False):
        rows = []
        for (generator, ratio), run in group.groupby(["generator", "ratio"], sort=False):
            by_class = {str(r["class"]): r for r in run.to_dict("records")}
            cells = [_cell(by_class.get(n)) for n in columns]
            first = run.iloc[0]
            share = number(100 * first["synthetic_share"])
            rows.append([run_name(str(generator), ratio), share, str(int(first["seeds"])), *cells])
        tables.append(Table(str(network), ["training set", "synthetic %", "seeds", *columns], rows))
    return tables


def detection(table: pd.DataFrame) -> list[Table]:
    """AP50 per class, and its mean with its interval and the gain over real tiles; one table per detector."""
    tables = []
    for network, group in table.groupby("network", sort=False):
        names = [str(n) for n in dict.fromkeys(group["class"]) if n != "mean"]
        rows = []
        for (generator, ratio), run in group.groupby(["generator", "ratio"], sort=False):
            by_class = {str(r["class"]): r for r in run.to_dict("records")}
            mean, each = by_class["mean"], [number(by_class[n]["ap50"]) for n in names]
            whole = [_with_ends(mean, score) for score in ("ap50", "ap", "gain50")]
            rows.append([run_name(str(generator), ratio), f"{int(mean['seeds'])}", *each, *whole])
        tables.append(Table(str(network), ["training set", "seeds", *names, "AP50", "AP50-95", "gain"], rows))
    return tables


def _with_ends(row: Mapping[Any, Any], score: str) -> str:
    if pd.isna(row[score]):
        return MISSING
    sign = score.startswith("gain")
    low, high = (number(row[f"{score}{end}"], sign=sign) for end in ("_low", "_high"))
    return f"{number(row[score], sign=sign)} ({low} to {high})"


def evidence(table: pd.DataFrame) -> Table:
    """Gain in mean IoU for each share of labels, generator and network, at the ratio that val chose."""
    shown = table[table["chosen"] & (table["class"] == "mean")]
    rows = [
        [
            f"{100 * r['labelled']:g} %",
            number(r["n_real"], 0),
            r["generator"],
            r["network"],
            MISSING if pd.isna(r["ratio"]) else f"{r['ratio']:g}",
            number(r["real"]),
            number(r["gain"], sign=True),
            f"{number(r['low'], sign=True)} to {number(r['high'], sign=True)}",
            number(r["seeds"], 0),
        ]
        for r in shown.to_dict("records")
    ]
    header = ["labels", "real tiles", "generator", "network", "ratio", "real only", "gain", "95 %", "seeds"]
    return Table("Labels and gains", header, rows)


def run_name(generator: str, ratio: Any) -> str:
    """Name of a training set as the page shows it."""
    return "real only" if generator == "real" else f"{generator} {float(ratio):g}"


def _cell(row: dict[Any, Any] | None) -> Cell:
    if row is None:
        return Cell(MISSING, "", "", "")
    spread = "" if pd.isna(row["iou_std"]) else f"±{number(row['iou_std'])}"
    value = number(row["iou_mean"])
    if pd.isna(row["difference"]):
        return Cell(value, spread, "", "")
    low, high = float(row["ci_low"]), float(row["ci_high"])
    tone = "up" if low > 0 else "down" if high < 0 else ""
    around = "" if pd.isna(low) else f" ({number(low, sign=True)} to {number(high, sign=True)})"
    return Cell(value, spread, number(float(row["difference"]), sign=True) + around, tone)


def glance(summary: pd.DataFrame) -> str:
    """Range of the differences in mean IoU, best and worst alike, as one phrase."""
    mean = summary[(summary["class"] == "mean") & (summary["generator"] != "real")]["difference"].dropna()
    if mean.empty:
        return MISSING
    low, high = number(mean.min(), sign=True), number(mean.max(), sign=True)
    return low if low == high else f"{low} to {high}"
