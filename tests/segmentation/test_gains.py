"""Gains of runs over those on real data alone, and the ratio that validation tiles choose."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landloom.segmentation import gains
from landloom.segmentation.judgement import Judgement


class Runs:
    """Runs as segment leaves them: two classes of 100 pixels in each of two test tiles."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.paths, self.scores = folder, [], []
        self.paths: list[Path]
        self.scores: list[dict[str, Any]]

    def add(
        self,
        generator: str,
        ratio: float,
        network: str,
        seed: int,
        val: float | None,
        right: int,
        real: int = 20,
    ) -> None:
        """A run whose IoU of either class is ``right / (200 - right)`` on test tiles."""
        run = self.folder / str(len(self.paths))
        run.mkdir()
        tile = np.array([[right, 100 - right], [100 - right, right]])
        Judgement(["x", "y"], ["s", "s"], [tile, tile], np.zeros(2)).write(run)
        about = {"generator": generator, "ratio": ratio, "network": network, "seed": seed, "steps": 9}
        made = round(ratio * real)
        counts = {"n_train": real + made, "n_real": real, "n_synthetic": made}
        self.scores.append(about | counts | {"val": {"miou": val}})
        self.paths.append(run)

    def rows(self) -> list[dict[str, Any]]:
        """What is told of them."""
        return list(gains.gains(self.paths, self.scores))


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_the_ratio_is_chosen_on_val_where_test_would_choose_another(runs: Runs) -> None:
    for seed in (0, 1):
        runs.add("real", 0.0, "n", seed, val=0.50, right=50)
        runs.add("g", 0.2, "n", seed, val=0.60 + 0.1 * seed, right=50)  # mean 0.65
        runs.add("g", 0.4, "n", seed, val=0.64, right=90)
    few, many, every = runs.rows()
    assert few["val_gain"] == pytest.approx(15)
    assert many["val_gain"] == pytest.approx(14)
    assert many["found"][2, 0] > few["found"][2, 0] == pytest.approx(0)
    assert [few["chosen"], many["chosen"]] == [True, False]
    assert every["found"].tolist() == few["found"].tolist()  # one network is all there are
    assert (every["network"], every["ratio"], every["chosen"]) == ("all", 0.2, True)


def test_a_network_is_compared_with_its_baseline_on_real_tiles(runs: Runs) -> None:
    """What weights of classes bring to 'a' and 'b', beside what pairs bring; neither counts for the other."""
    for seed in (0, 1):
        for network in ("a", "b"):
            runs.add("real", 0.0, network, seed, val=0.5, right=50)
            runs.add("g", 0.2, network, seed, val=0.6, right=60)
            runs.add("real", 0.0, f"{network}-weighted", seed, val=0.7, right=80)
            runs.scores[-1]["baseline"] = network
    rows = {(r["generator"], r["network"]): r for r in runs.rows()}
    assert list(rows) == [
        ("g", "a"), ("real", "a-weighted"), ("g", "b"), ("real", "b-weighted"), ("g", "all"), ("real", "all"),
    ]  # fmt: skip
    for network in ("a-weighted", "b-weighted", "all"):
        row = rows["real", network]
        assert row["found"][2] == pytest.approx([100 * (80 / 120 - 50 / 150)] * 3)
        assert (row["val_gain"], row["chosen"]) == (pytest.approx(20), True)
        assert row["synthetic_share"] == 0
    assert rows["g", "all"]["found"][2, 0] == pytest.approx(100 * (60 / 140 - 50 / 150))


def test_networks_choose_for_themselves_and_are_taken_together(runs: Runs) -> None:
    for seed in (0, 1):
        for network, best in (("a", 0.2), ("b", 0.4)):
            runs.add("real", 0.0, network, seed, val=0.5, right=50)
            for ratio in (0.2, 0.4):
                right = 80 if ratio == best else 60
                runs.add("g", ratio, network, seed, val=0.9 if ratio == best else 0.6, right=right)
    *rows, every = runs.rows()
    assert [(r["network"], r["ratio"]) for r in rows if r["chosen"]] == [("a", 0.2), ("b", 0.4)]
    assert every["found"][2] == pytest.approx([100 * (80 / 120 - 50 / 150)] * 3)
    assert math.isnan(every["ratio"])
    assert math.isnan(every["synthetic_share"])
    assert (every["seeds"], every["steps"], every["n_real"], every["units"]) == (2, 9, 20, 2)
    assert every["val_gain"] == pytest.approx(40)


def test_of_equal_ratios_the_smallest_is_chosen(runs: Runs) -> None:
    runs.add("g", 0.4, "n", 0, val=0.7, right=60)
    runs.add("g", 0.2, "n", 0, val=0.7, right=50)
    runs.add("real", 0.0, "n", 0, val=0.5, right=50)
    assert [(r["ratio"], r["chosen"]) for r in runs.rows()[:2]] == [(0.4, False), (0.2, True)]


def test_seeds_that_only_some_networks_have_are_left_out_of_all(runs: Runs) -> None:
    for network, seeds in (("a", (0, 1)), ("b", (1, 2))):
        for seed in seeds:
            runs.add("real", 0.0, network, seed, val=0.5, right=50)
            runs.add("g", 0.2, network, seed, val=0.6, right=60)
    assert [r["seeds"] for r in runs.rows()] == [2, 2, 1]


def test_without_val_nothing_is_chosen(runs: Runs) -> None:
    runs.add("real", 0.0, "n", 0, val=None, right=50)
    runs.add("g", 0.2, "n", 0, val=None, right=60)
    (row,) = runs.rows()
    assert math.isnan(row["val_gain"])
    assert not row["chosen"]


def test_the_real_tiles_are_those_of_the_run_that_is_compared_with(runs: Runs) -> None:
    """With ``mix.of: alone`` the run itself has none."""
    runs.add("real", 0.0, "n", 0, val=0.5, right=50, real=20)
    runs.add("g", 0.5, "n", 0, val=0.6, right=60, real=20)
    runs.scores[1] |= {"n_real": 0, "n_train": 10}
    assert runs.rows()[0]["n_real"] == 20
    assert runs.rows()[0]["synthetic_share"] == 1
