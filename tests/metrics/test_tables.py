import math
from typing import Any

import pytest

from landloom.metrics import tables


def scores(generator: str, ratio: float, seed: int, iou: float) -> dict[str, Any]:
    test = {"iou": [iou, None], "f1": [0.5, None], "miou": iou, "mf1": 0.5}
    about = {"generator": generator, "ratio": ratio, "network": "n", "seed": seed}
    return about | {"n_train": 10, "n_synthetic": round(10 * ratio / (1 + ratio)), "test": test}


def test_scores_are_in_percent_with_a_row_for_the_mean() -> None:
    table = tables.segmentation([scores("real", 0, 0, 0.25)], ["a", "b"])
    assert list(table.columns) == tables.SEGMENTATION
    assert table["class"].tolist() == ["a", "b", "mean"]
    assert table["iou"].tolist()[0] == 25
    assert math.isnan(table["iou"][1])


def test_gain_is_paired_by_seed() -> None:
    runs = [scores("real", 0, 0, 0.2), scores("real", 0, 1, 0.6)]
    runs += [scores("g", 0.4, 0, 0.3), scores("g", 0.4, 1, 0.8)]
    table = tables.summary(tables.segmentation(runs, ["a", "b"]), {})
    rows = table.set_index(["generator", "class"])
    assert rows.loc[("g", "mean"), "iou_mean"] == pytest.approx(55)
    assert rows.loc[("g", "mean"), "iou_std"] == pytest.approx(50 / math.sqrt(2))
    assert rows.loc[("g", "mean"), "difference"] == pytest.approx(15)  # 10 and 20
    assert rows.loc[("g", "mean"), "difference_std"] == pytest.approx(10 / math.sqrt(2))
    assert rows.loc[("g", "mean"), "seeds"] == 2
    assert math.isnan(float(str(rows.loc[("real", "mean"), "difference"])))


def test_a_network_is_compared_with_its_baseline() -> None:
    runs = [scores("real", 0, seed, 0.2) for seed in (0, 1)]
    runs += [scores("real", 0, seed, 0.3) | {"network": "w", "baseline": "n"} for seed in (0, 1)]
    assert tables.baselines(runs) == {"w": "n"}
    found = tables.summary(tables.segmentation(runs, ["a", "b"]), tables.baselines(runs))
    mean = found[found["class"] == "mean"].set_index("network")
    assert mean.loc["w", "difference"] == pytest.approx(10)
    assert math.isnan(float(str(mean.loc[runs[0]["network"], "difference"])))


def test_both_readings_of_a_share_stand_in_the_tables() -> None:
    """Synthetic samples per real one, and their share of the set."""
    run = scores("g", 0.25, 0, 0.3)  # two beside eight
    table = tables.segmentation([run], ["a", "b"])
    for found in (table, tables.summary(table, {})):
        assert set(zip(found["ratio"], found["synthetic_share"], strict=True)) == {(0.25, 0.2)}


def test_one_seed_has_no_spread() -> None:
    table = tables.summary(tables.segmentation([scores("g", 0.4, 0, 0.3)], ["a", "b"]), {})
    assert table["iou_std"].isna().all()
    assert table["seeds"].eq(1).all()


def test_label_ratios() -> None:
    table = tables.label_ratios("g", [[0.6, 0.4]], [[0.5, 0.5]], ["a", "b"])
    assert table["cpe"].tolist() == pytest.approx([10, 10])
    assert table["mcpe"].tolist() == pytest.approx([10, 10])
    assert table["n"].tolist() == [1, 1]
    assert tables.label_ratios("g", [], [], ["a", "b"]).empty
