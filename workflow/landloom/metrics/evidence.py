"""One table of the gains at several shares of labels."""

import pandas as pd

from landloom.config.segment import EVERY
from landloom.metrics.tables import REAL

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
    alone = summary[summary["generator"] == REAL]
    # A network that is compared with another one: what that one reaches.
    alone = alone.assign(real=alone["iou_mean"] - alone["difference"].fillna(0))
    own = alone[alone["difference"].isna()]
    every = own.groupby("class", as_index=False)["real"].mean().assign(network=EVERY)
    base = pd.concat([alone[[*KEYS, "real"]], every])
    rows = gain.rename(columns={"ci_low": "low", "ci_high": "high"}).merge(base, how="left", on=KEYS)
    return rows.assign(labelled=labelled)[EVIDENCE]
