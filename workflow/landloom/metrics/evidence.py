"""One table of the gains at several shares of labels."""

import pandas as pd

from landloom.config.segment import EVERY

EVIDENCE = [
    "labelled", "n_real", "generator", "ratio", "network", "class", "real", "gain", "low", "high", "seeds",
    "val_gain", "chosen",
]  # fmt: skip
KEYS = ["network", "class"]


def of_share(labelled: float, gain: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Rows of one share: what real tiles alone reach (IoU in percent), and what pairs add to it in points.

    Args:
        labelled: share of the train scenes with labels.
        gain: gains of its evaluation.
        summary: scores of its evaluation.
    """
    alone = summary.loc[summary["generator"] == "real", [*KEYS, "iou_mean"]]
    every = alone.groupby("class", as_index=False)["iou_mean"].mean().assign(network=EVERY)
    base = pd.concat([alone, every]).rename(columns={"iou_mean": "real"})
    rows = gain.rename(columns={"ci_low": "low", "ci_high": "high"}).merge(base, how="left", on=KEYS)
    return rows.assign(labelled=labelled)[EVIDENCE]
