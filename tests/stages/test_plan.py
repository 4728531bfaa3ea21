from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landloom.captioning.bank import CaptionBank
from landloom.config.plan import MixGoal, PlanConfig
from landloom.errors import InputError
from landloom.planning import prior
from landloom.provenance.records import digest
from landloom.stages import plan
from tests import bases

TRAIN = [[0.7, 0.3, 0.0], [0.5, 0.5, 0.0], [0.2, 0.7, 0.1], [1.0, 0.0, 0.0]]
MATCH = {"real": MixGoal()}


def run(
    folder: Path, seed: int = 0, train: list[list[float]] = TRAIN, options: dict[str, Any] | None = None,
    **config: Any,
) -> pd.DataFrame:  # fmt: skip
    rows = [(f"t{i}", "train", r) for i, r in enumerate(train)] + [("v", "val", [0.0, 0.0, 1.0])]
    folder.mkdir(exist_ok=True)
    ratios, statistics, out = (
        bases.ratio_table(folder, rows),
        folder / "statistics.json",
        folder / "plan.parquet",
    )
    bases.dataset().save(statistics)
    settings = PlanConfig(**config)
    job = {
        "config": settings,
        "caption": "{}",
        "seed": seed,
        "statistics": statistics,
        "ratios": ratios,
        "out": out,
    }
    bases.execute("plan", **job, **(options or {}))
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


def bank(folder: Path, captions: str, **more: Any) -> pd.DataFrame:
    """A plan beside the captions of four train tiles."""
    words = folder / "captions.parquet"
    folder.mkdir(exist_ok=True)
    pd.DataFrame({"id": [f"t{i}" for i in range(4)], "caption": ["one", "two", "three", "four"]}).to_parquet(
        words
    )
    return run(folder, captions=captions, options={"captions": [words]}, **more)


def test_captions_come_from_the_nearest_train_tile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CaptionBank.__init__, "__defaults__", (1,))
    goal = MixGoal(goal="table", table=[{"forest": 1.0}, {"forest": 0.2, "water": 0.7, "built up": 0.1}])
    table = bank(tmp_path, "bank", count=4, mixes={"asked": goal})
    assert table["caption"].tolist() == ["four", "three", "four", "three"]
    assert table["prompt"].str.startswith("segmentation map, ").all()


def test_the_bank_leaves_the_rest_of_the_plan_alone(tmp_path: Path) -> None:
    with_bank = bank(tmp_path / "a", "auto", count=20).drop(columns="caption")
    without = run(tmp_path / "b", count=20).drop(columns="caption")
    pd.testing.assert_frame_equal(with_bank, without)


def test_the_seed_draws_from_the_bank(tmp_path: Path) -> None:
    drawn = [
        bank(tmp_path / n, "bank", count=30, seed=s)["caption"] for n, s in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert drawn[0].equals(drawn[1])
    assert not drawn[0].equals(drawn[2])
    assert drawn[0].nunique() > 1


def test_a_bank_without_captions_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"plan\.captions: 'bank' without captions"):
        run(tmp_path, captions="bank")


def test_partial_requests_are_filled_from_real_tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    goal = MixGoal(goal="table", partial=True, table=[{"built up": 0.1}])
    monkeypatch.setattr(prior.filled, "__defaults__", (1,))
    row = run(tmp_path, count=1, mixes={"some": goal}).iloc[0]
    assert np.isnan(row["target_ratios"]).tolist() == [True, True, False]
    assert row["expected_ratios"].tolist() == pytest.approx([0.2, 0.7, 0.1])
    assert row["prompt"] == "segmentation map, 70% water, 20% forest, 10% built up"


def test_requests_beyond_the_data_are_marked_not_bent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goal = MixGoal(goal="table", table=[{"forest": 0.6, "water": 0.4}, {"built up": 1.0}])
    table = run(tmp_path, count=2, mixes={"asked": goal})
    assert table["supported"].tolist() == [True, False]
    assert mixes(table)[1].tolist() == [0, 0, 1]
    assert table["novelty"][1] > 1
    assert "1 of 2 class mixes are not supported by train tiles" in capsys.readouterr().err


def test_complete_requests_expect_what_they_ask(tmp_path: Path) -> None:
    table = run(tmp_path, count=8, mixes=MATCH)
    assert np.array_equal(mixes(table), np.stack(table["expected_ratios"].tolist()))
    assert table["supported"].all()


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        ({"goal": "table", "table": [{"water": 0.5}]}, "sum to one, these sum to 0.5"),
        ({"goal": "table", "table": [{"water": 1.5, "forest": -0.5}]}, "ratios must be from 0 to 1"),
        ({"goal": "table", "partial": True, "table": [{"water": 0.9, "forest": 0.2}]}, "at most one"),
        ({"goal": "table"}, "needs rows in table, or a file"),
        ({"goal": "balance"}, r"needs floor: \{class: share\}"),
        ({"goal": "deficit"}, r"needs mix: \{class: share\}"),
        ({"goal": "deficit", "mix": {"water": 0.5}}, "sum to one"),
    ],
)
def test_wrong_goals_are_refused(goal: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MixGoal(**goal)


def test_a_deficit_out_of_reach_warns_with_what_is_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = bases.dataset().names
    goal = MixGoal(goal="deficit", mix={names[2]: 1.0})
    run(tmp_path, count=1, mixes={"fill": goal})
    told = capsys.readouterr().err
    assert "warning: plan.mixes.fill: 1 samples cannot bring all tiles to the mix, only to" in told
    assert f"{names[2]} 0.220 (asked 1.000)" in told  # 0.1 of 4 tiles, and one more
