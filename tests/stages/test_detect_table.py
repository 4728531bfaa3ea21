import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from landloom.config.detect_table import DetectTableConfig
from landloom.detection import judgement
from landloom.detection.scores import THRESHOLDS, Matches
from landloom.errors import InputError
from landloom.stages import detect_table
from tests import bright_boxes

SCENES = 12


def run_folder(
    folder: Path, generator: str, ratio: float, seed: int, right: float, tiles: int = SCENES
) -> Path:
    """A run whose detector finds a share of the two objects of each tile, one of each class."""
    rng, judged = np.random.default_rng([seed, len(generator)]), {}
    for i in range(tiles):
        rows = []
        for _ in bright_boxes.NAMES:
            hits = np.full((len(THRESHOLDS), 1), rng.random() < right)
            rows.append(Matches(1, rng.random(1), hits, np.zeros_like(hits)))
        judged[f"scene{i}", f"tile{i}"] = rows
    out = folder / generator / f"{ratio:g}" / "centre" / str(seed)
    out.mkdir(parents=True)
    judgement.write(judged, out)
    body = {
        "generator": generator,
        "ratio": ratio,
        "network": "centre",
        "seed": seed,
        "n_train": 10 + 5 * ratio,
    }
    body |= {"n_synthetic": 5 * ratio, "test": {"objects": [tiles, tiles, 2 * tiles]}}
    (out / "scores.json").write_text(json.dumps(body))
    return out


def table(folder: Path, runs: list[Path]) -> pd.DataFrame:
    out = folder / "detection.csv"
    detect_table.run(DetectTableConfig(draws=200), bright_boxes.statistics(folder), runs, out)
    return pd.read_csv(out)


def test_scores_are_means_over_seeds_within_their_interval(tmp_path: Path) -> None:
    runs = [run_folder(tmp_path, "real", 0, s, 0.5) for s in (0, 1)]
    found = table(tmp_path, runs)
    assert found["class"].tolist() == [*bright_boxes.NAMES, "mean"]
    each = [judgement.table(judgement.read(r), bright_boxes.NAMES) for r in runs]
    assert found["ap50"].tolist() == pytest.approx(((each[0]["ap50"] + each[1]["ap50"]) / 2).tolist())
    assert found["ap"].tolist() == pytest.approx(found["ap50"].tolist())
    assert (found["ap50_low"] < found["ap50"]).all()
    assert (found["ap50"] < found["ap50_high"]).all()
    assert found[["seeds", "unit", "units"]].values.tolist() == [[2, "scene", SCENES]] * 3
    assert found["gain50"].isna().all()


def test_a_clear_gain_has_an_interval_above_zero_and_equal_runs_have_none(tmp_path: Path) -> None:
    runs = [run_folder(tmp_path, "real", 0, s, 0.3) for s in (0, 1)]
    runs += [run_folder(tmp_path, "better", 1, s, 1.0) for s in (0, 1)]
    found = table(tmp_path, runs).set_index(["generator", "class"])
    row = found.loc["better", "mean"]
    assert row["ap50"] == row["ap50_low"] == row["ap50_high"] == 100
    assert row["gain50"] == pytest.approx(100 - found.loc["real", "mean"]["ap50"])
    assert 0 < row["gain50_low"] <= row["gain50"] <= row["gain50_high"]
    assert row["synthetic_share"] == pytest.approx(1 / 3)


def test_few_scenes_are_drawn_tile_by_tile(tmp_path: Path) -> None:
    found = table(tmp_path, [run_folder(tmp_path, "real", 0, 0, 0.5, tiles=5)])
    assert found[["unit", "units"]].values.tolist() == [["tile", 5]] * 3


def test_runs_on_other_ground_are_an_input_error(tmp_path: Path) -> None:
    runs = [run_folder(tmp_path, "real", 0, s, 0.5, tiles=4 + s) for s in (0, 1)]
    with pytest.raises(InputError, match=r"was scored on other test objects than .*Run detect again"):
        table(tmp_path, runs)
