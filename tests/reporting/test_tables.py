"""The evaluation tables as the page shows them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from landloom.data.quality import Quality
from landloom.reporting import tables


def summary(difference: float) -> pd.DataFrame:
    rows = [
        {"generator": "real", "ratio": 0, "synthetic_share": 0.0, "difference": np.nan},
        {"generator": "g", "ratio": 0.4, "synthetic_share": 2 / 7, "difference": difference},
    ]
    shared = {"network": "net", "class": "mean", "iou_mean": 50.0, "iou_std": 1.0, "seeds": 3}
    return pd.DataFrame([r | shared for r in rows])


def gain(low: float, high: float) -> pd.DataFrame:
    key = {"generator": "g", "ratio": 0.4, "network": "net", "class": "mean"}
    return pd.DataFrame([key | {"ci_low": low, "ci_high": high}])


@pytest.mark.parametrize(
    ("low", "high", "tone", "text"),
    [
        (0.5, 3, "up", "+1.0 (+0.5 to +3.0)"),
        (-3, -0.5, "down", "+1.0 (−3.0 to −0.5)"),
        (-1, 3, "", "+1.0 (−1.0 to +3.0)"),
        (0, 2, "", "+1.0 (+0.0 to +2.0)"),
        (np.nan, np.nan, "", "+1.0"),
    ],
)
def test_tone_needs_an_interval_without_zero(low: float, high: float, tone: str, text: str) -> None:
    (table,) = tables.segmentation(summary(1.0), gain(low, high), [])
    real, mixed = table.rows
    assert real[0] == "real only"
    assert real[-1].difference == ""
    assert mixed[:2] == ["g 0.4", "28.6"]
    assert (mixed[-1].tone, mixed[-1].difference) == (tone, text)


def test_a_missing_class_is_a_dash() -> None:
    (table,) = tables.segmentation(summary(1), gain(0, 2), ["car"])
    assert table.rows[1][3].value == tables.MISSING


def test_numbers_have_a_true_minus() -> None:
    assert tables.number(-1.25, 1, sign=True) == "−1.2"
    assert tables.number(float("nan")) == tables.MISSING


def test_a_class_called_na_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "label_ratios.csv"
    path.write_text("generator,class,cpe,mcpe,n\n007,NA,1.5,1.5,3\n")
    table = tables.label_ratios(tables.read([path])["label_ratios"], ["NA"])
    assert table.rows == [["007", "1.50", "1.50", "3"]]


def test_glance_names_worst_and_best() -> None:
    frame = pd.concat([summary(-0.5), summary(1.5)])
    assert tables.glance(frame) == "−0.5 to +1.5"
    assert tables.glance(frame[frame["generator"] == "real"]) == tables.MISSING


def test_acceptance_counts_each_reason() -> None:
    copy = "copy of a real tile"
    both, one = Quality(False, ["agreement", copy]), Quality(False, [copy])
    found = tables.curation({"g": [Quality(), both, one], "h": [None]})
    assert found.header == ["generator", "samples", "accepted %", "agreement", "copy of a real tile"]
    assert found.rows == [["g", 3, "33.3", 1, 2], ["h", 1, "100.0", 0, 0]]


def test_detectors_have_a_table_each_with_intervals_of_the_mean() -> None:
    ends = {f"{s}{e}": v for s in ("ap50", "ap") for e, v in (("", 40.0), ("_low", 30.0), ("_high", 50.5))}
    no_gain = {"gain50": np.nan, "gain50_low": np.nan, "gain50_high": np.nan}
    gain = {"gain50": 2.0, "gain50_low": -1.0, "gain50_high": 5.0}
    rows = [
        {"generator": g, "ratio": r, "network": "centre", "class": c, "seeds": 3} | ends | more
        for g, r, more in (("real", 0, no_gain), ("g", 0.4, gain)) for c in ("ship", "mean")
    ]  # fmt: skip
    (table,) = tables.detection(pd.DataFrame(rows))
    assert table.title == "centre"
    assert table.header == ["training set", "seeds", "ship", "AP50", "AP50-95", "gain"]
    whole = "40.0 (30.0 to 50.5)"
    assert table.rows[0] == ["real only", "3", "40.0", whole, whole, tables.MISSING]
    assert table.rows[1] == ["g 0.4", "3", "40.0", whole, whole, "+2.0 (−1.0 to +5.0)"]
