from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landloom.config.plan import MixGoal, PlanConfig
from landloom.errors import InputError
from landloom.provenance import digest
from landloom.stages import plan
from tests import bases

TRAIN = [[0.7, 0.3, 0.0], [0.5, 0.5, 0.0], [0.2, 0.7, 0.1], [1.0, 0.0, 0.0]]
MATCH = {"real": MixGoal()}


def run(folder: Path, seed: int = 0, train: list[list[float]] = TRAIN, **config: Any) -> pd.DataFrame:
    rows = [(f"t{i}", "train", r) for i, r in enumerate(train)] + [("v", "val", [0.0, 0.0, 1.0])]
    folder.mkdir(exist_ok=True)
    ratios, card, out = bases.ratio_table(folder, rows), folder / "card.json", folder / "plan.parquet"
    bases.dataset().save(card)
    settings = PlanConfig(**config)
    bases.execute("plan", config=settings, caption="{}", seed=seed, card=card, ratios=ratios, out=out)
    return pd.read_parquet(out)


def mixes(table: pd.DataFrame) -> Any:
    return np.stack(table["target_ratios"].tolist())


@given(st.integers(1, 500), st.lists(st.floats(0.01, 10), min_size=1, max_size=6))
def test_shares_sum_to_the_count_and_are_nearly_exact(count: int, parts: list[float]) -> None:
    goals = {str(i): MixGoal(share=p) for i, p in enumerate(parts)}
    found = plan.group_sizes(PlanConfig(count=count, mixes=goals))
    assert sum(found.values()) == count
    exact = {str(i): count * p / sum(parts) for i, p in enumerate(parts)}
    assert all(abs(found[n] - x) < 1 + 1e-9 for n, x in exact.items())


def test_match_draws_real_train_mixes(tmp_path: Path) -> None:
    table = run(tmp_path, count=40, mixes=MATCH)
    found = {tuple(np.round(r, 3)) for r in mixes(table).tolist()}
    assert found == {tuple(r) for r in TRAIN}


def test_boost_by_hand(tmp_path: Path) -> None:
    goal = MixGoal(goal="boost", boost={"built up": 3})
    table = run(tmp_path, count=3, mixes={"more": goal})
    assert mixes(table).tolist() == [pytest.approx([0.2 / 1.2, 0.7 / 1.2, 0.3 / 1.2])] * 3


def test_boost_raises_the_mean_share(tmp_path: Path) -> None:
    goals = {"real": MixGoal(), "more": MixGoal(goal="boost", boost={"water": 4})}
    table = run(tmp_path, count=60, mixes=goals)
    means = {m: mixes(rows).mean(0)[1] for m, rows in table.groupby("mix")}
    assert means["more"] > means["real"] + 0.2


def test_table_rows_are_repeated_in_turn(tmp_path: Path) -> None:
    goal = MixGoal(goal="table", table=[{"water": 1.0}, {"forest": 0.25, "built up": 0.75}])
    table = run(tmp_path, count=3, mixes={"asked": goal})
    assert mixes(table).tolist() == [[0, 1, 0], [0.25, 0, 0.75], [0, 1, 0]]


def test_every_request_is_complete(tmp_path: Path) -> None:
    goals = MATCH | {"asked": MixGoal(goal="table", share=0.5, table=[{"water": 1.0}])}
    table = run(tmp_path, count=9, shards=2, mixes=goals)
    assert table["mix"].tolist() == ["real"] * 6 + ["asked"] * 3
    assert table["id"].is_unique
    assert table["seed"].is_unique
    assert table["shard"].value_counts().to_dict() == {0: 5, 1: 4}
    assert mixes(table).sum(1) == pytest.approx(1)
    last = table.iloc[-1]
    assert (last["caption"], last["prompt"]) == (
        "satellite image, 100% water",
        "segmentation map, 100% water",
    )


def test_the_seed_decides(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(tmp_path / name, seed, count=20)
    a, b, c = (digest(tmp_path / n / "plan.parquet") for n in "abc")
    assert a == b != c


def test_boosting_a_class_that_no_train_tile_holds_is_an_input_error(tmp_path: Path) -> None:
    goals = {"more": MixGoal(goal="boost", boost={"built up": 2})}
    with pytest.raises(InputError, match="no train tile holds built up"):
        run(tmp_path, train=TRAIN[:2], mixes=goals)
