"""Tables of an evaluation: scores of runs, their spread over seeds, and errors of class shares."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from landloom.metrics.proportions import cpe, mcpe

RUN = ["generator", "ratio", "network"]
REAL = "real"
"""What stands for a generator where there are no synthetic samples."""
SHARE = "synthetic_share"
"""Share of a training set that is synthetic; ``ratio`` is what ``mix.ratios`` asked for."""
SEGMENTATION = [*RUN, SHARE, "seed", "class", "iou", "f1"]
IMAGE_QUALITY = [
    "generator", "extractor", "fid", "kid", "agreement_synthetic", "agreement_real", "diversity", "n",
    "n_reference", "train_minutes", "device",
]  # fmt: skip
GAIN = [
    *RUN, SHARE, "class", "gain", "ci_low", "ci_high", "seeds", "steps", "unit", "units", "n_real",
    "val_gain", "chosen",
]  # fmt: skip
LABEL_RATIOS = ["generator", "class", "cpe", "mcpe", "n"]
SUMMARY = [
    *RUN, SHARE, "class", "iou_mean", "iou_std", "f1_mean", "f1_std", "seeds", "difference",
    "difference_std",
]  # fmt: skip


def segmentation(runs: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> pd.DataFrame:
    """IoU and F1 on test tiles in percent: one row per run and class, and one for their mean.

    Args:
        runs: contents of scores.json, as the stage segment writes it.
        classes: class names in the order of mask indices.
    """
    rows = []
    for run in runs:
        test = run["test"]
        ious, f1s = [*test["iou"], test["miou"]], [*test["f1"], test["mf1"]]
        for name, iou, f1 in zip([*classes, "mean"], ious, f1s, strict=True):
            rows.append([*(run[c] for c in RUN), synthetic_share(run), run["seed"], name, iou, f1])
    table = pd.DataFrame(rows, columns=SEGMENTATION)
    table[["iou", "f1"]] = table[["iou", "f1"]].astype(float) * 100
    return table.sort_values([*RUN, "seed"], kind="stable", ignore_index=True)


def synthetic_share(run: Mapping[str, Any]) -> float:
    """Share of synthetic samples in the training set of a run."""
    return float(run["n_synthetic"] / run["n_train"])


def baselines(runs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The network that another one is compared with, by the name of the other one.

    Args:
        runs: contents of scores.json.
    """
    return {run["network"]: run["baseline"] for run in runs if "baseline" in run}


def summary(table: pd.DataFrame, compared: Mapping[str, str]) -> pd.DataFrame:
    """Mean and standard deviation (ddof 1) over seeds, and the gain in IoU over real data alone.

    The gain is taken seed by seed, against the same network trained on real data alone; its spread is that of
    these pairs. One seed has no spread: NaN.

    Args:
        table: scores by run and class.
        compared: networks whose own training on real data is compared with that of another one.
    """
    keys = ["other", "seed", "class"]
    table = table.assign(other=table["network"].replace(dict(compared)))
    real = table.loc[(table["generator"] == REAL) & ~table["network"].isin(compared), [*keys, "iou"]]
    joined = table.merge(real.rename(columns={"iou": "real"}), on=keys, how="left")
    gained = (joined["generator"] != REAL) | joined["network"].isin(compared)
    joined["gain"] = (joined["iou"] - joined["real"]).where(gained)
    groups = joined.groupby([*RUN, SHARE, "class"], sort=False)
    result = groups.agg(
        iou_mean=("iou", "mean"), iou_std=("iou", "std"), f1_mean=("f1", "mean"), f1_std=("f1", "std"),
        seeds=("seed", "nunique"), difference=("gain", "mean"), difference_std=("gain", "std"),
    )  # fmt: skip
    return result.reset_index()[SUMMARY]


def gains(rows: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> pd.DataFrame:
    """Gain in IoU over real data alone (points) with its 95 % interval, per training set, network and class.

    Args:
        rows: one per training set and network, with ``found`` (K + 1, 3) as ``intervals.gains`` gives it.
        classes: class names in the order of mask indices.
    """
    found = [
        {**row, "class": name, "gain": gain, "ci_low": low, "ci_high": high}
        for row in rows
        for name, (gain, low, high) in zip([*classes, "mean"], row["found"], strict=True)
    ]
    return pd.DataFrame(found, columns=GAIN)


def label_ratios(
    generator: str,
    found: Sequence[Sequence[float]],
    wanted: Sequence[Sequence[float]],
    classes: Sequence[str],
) -> pd.DataFrame:
    """CPE per class and mCPE of one generator's masks, in percentage points; empty without masks."""
    if not len(found):
        return pd.DataFrame(columns=LABEL_RATIOS)
    errors = cpe(found, wanted)
    rows = [[generator, c, e, mcpe(errors), len(found)] for c, e in zip(classes, errors, strict=True)]
    return pd.DataFrame(rows, columns=LABEL_RATIOS)
