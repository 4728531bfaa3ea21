"""Gains of several shares as one table."""

import pandas as pd
import pytest

from landloom.metrics import evidence


def gains(*rows: tuple[str, float, str, float]) -> pd.DataFrame:
    """Rows of gain.csv: generator, ratio, network, gain of the mean."""
    found = [
        {"generator": g, "ratio": r, "network": n, "class": "mean", "gain": x, "ci_low": x - 1,
         "ci_high": x + 2, "seeds": 3, "n_real": 10, "val_gain": x / 2, "chosen": True, "steps": 9}
        for g, r, n, x in rows
    ]  # fmt: skip
    return pd.DataFrame(found)


def test_gains_stand_beside_what_real_tiles_alone_reach() -> None:
    none = float("nan")
    summary = pd.DataFrame(
        [
            ("real", 0, "a", "mean", 40.0, none), ("real", 0, "b", "mean", 60.0, none),
            ("real", 0, "a-weighted", "mean", 43.0, 3.0), ("g", 0.2, "a", "mean", 45.0, 5.0),
        ],
        columns=["generator", "ratio", "network", "class", "iou_mean", "difference"],
    )  # fmt: skip
    table = gains(("g", 0.2, "a", 5.0), ("g", none, "all", 3.0), ("real", 0, "a-weighted", 3.0))
    found = evidence.of_share(0.25, table, summary)
    assert ",".join(found.columns) == (
        "labelled,n_real,generator,ratio,network,class,real,gain,low,high,seeds,val_gain,chosen"
    )
    assert found["labelled"].tolist() == [0.25] * 3
    assert found["real"].tolist() == [40, pytest.approx(50), 40]
    assert found[["gain", "low", "high"]].to_numpy().tolist() == [[5, 4, 7], [3, 2, 5], [3, 2, 5]]
