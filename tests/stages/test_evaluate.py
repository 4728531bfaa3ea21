import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from landloom.config.evaluate import EvaluateConfig
from landloom.config.features import FeaturesConfig
from landloom.data import quality
from landloom.errors import InputError
from landloom.metrics import extractors
from landloom.segmentation.judgement import Judgement
from landloom.stages import evaluate
from tests import shards
from tests.features import Means

TABLES = ("segmentation", "image_quality", "label_ratios", "label_shapes", "summary", "gain")


def scores(folder: Path, generator: str, ratio: float, seed: int, iou: float) -> Path:
    """Write the scores of a run as segment does."""
    run = folder / f"{generator}-{ratio}-{seed}"
    run.mkdir()
    test = {
        "iou": [iou, iou, None],
        "f1": [iou] * 3,
        "miou": iou,
        "mf1": iou,
        "confusion": [[200, 0], [0, 200]],
    }
    about = {"generator": generator, "ratio": ratio, "network": "n", "seed": seed, "steps": 9}
    about |= (
        {"n_train": 14, "n_real": 10, "n_synthetic": 4}
        if ratio
        else {"n_train": 10, "n_real": 10, "n_synthetic": 0}
    )
    body = about | {"val": test, "test": test}
    (run / "scores.json").write_text(json.dumps(body))
    right = round(100 * iou)  # of 100 pixels of either class; the third class has none
    tile = np.array([[right, 100 - right, 0], [0, 100, 0], [0, 0, 0]])
    Judgement(["x", "y"], ["s", "s"], [tile, tile], np.zeros(3)).write(run)
    return run


def plan(folder: Path, count: int) -> Path:
    """Write a plan of as many requests."""
    path = folder / "plan.parquet"
    pd.DataFrame({"id": [str(i) for i in range(count)]}).to_parquet(path)
    return path


def trained(folder: Path) -> Path:
    """A model of the generator h, with records of itself and of its base."""
    model, base = folder / "h/image", folder / "base"
    for path, stage, seconds, inputs in (
        (base, "base", 120, {}),
        (model, "image_train", 60, {str(base): "x"}),
    ):
        path.mkdir(parents=True)
        record = {"stage": stage, "seconds": seconds, "inputs": inputs, "device": "cpu (x)"}
        path.with_name(f"{path.name}.prov.json").write_text(json.dumps(record))
    return model


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, pd.DataFrame]:
    """All tables of two generators with two seeds each."""
    monkeypatch.setattr(extractors, "load", lambda *given: Means())
    runs = [scores(tmp_path, "real", 0.0, s, 0.5 + 0.1 * s) for s in (0, 1)]
    runs += [scores(tmp_path, "g", 0.4, s, 0.6 + 0.2 * s) for s in (0, 1)]
    judged = {"confusion": [[3, 1], [0, 4]], "judge_confusion": [[4, 0], [0, 4]]}
    of_h = judged | {"image_model": str(trained(tmp_path))}
    pairs = [
        shards.pairs(tmp_path, 6, "h", quality.judged(None, {"residual": 0.25}), about=of_h),
        shards.pairs(tmp_path, 1, "g", about=judged),
    ]
    (tmp_path / "resamples").mkdir()
    resamples = [shards.pairs(tmp_path / "resamples", 2, "h", seed=5)]
    outputs = {n: tmp_path / f"{n}.csv" for n in TABLES}
    evaluate.run(
        EvaluateConfig(samples=5), FeaturesConfig(), shards.statistics(tmp_path), shards.tiles(tmp_path),
        [plan(tmp_path, 7)], pairs, resamples, runs, **outputs,
    )  # fmt: skip
    return {n: pd.read_csv(p) for n, p in outputs.items()}


def test_segmentation_and_summary(made: dict[str, pd.DataFrame]) -> None:
    assert len(made["segmentation"]) == 4 * 4
    row = made["summary"].query("generator == 'g' and `class` == 'mean'").iloc[0]
    assert row["iou_mean"] == pytest.approx(70)
    assert row["difference"] == pytest.approx(15)
    assert row["difference_std"] == pytest.approx(50**0.5)
    assert row["seeds"] == 2


def test_gains_have_intervals(made: dict[str, pd.DataFrame]) -> None:
    table = made["gain"]
    header = "generator,ratio,network,synthetic_share,class,gain,ci_low,ci_high,seeds,steps,unit,units"
    header += ",n_real,val_gain,chosen"
    assert ",".join(table.columns) == header
    row = table.query("generator == 'g'").set_index("class").iloc[0]
    assert (row["seeds"], row["steps"], row["unit"], row["units"]) == (2, 9, "tile", 2)
    assert row["gain"] == pytest.approx(15)  # seeds 10 and 20, tiles alike
    assert (row["ci_low"], row["ci_high"]) == (pytest.approx(10), pytest.approx(20))
    assert (row["n_real"], row["val_gain"], row["chosen"]) == (10, pytest.approx(15), True)
    assert np.isnan(table["gain"][2])
    assert table["network"].tolist() == ["n"] * 4 + ["all"] * 4
    assert set(table["generator"]) == {"g"}


def test_runs_on_other_test_pixels_are_refused(tmp_path: Path) -> None:
    runs = [scores(tmp_path, "real", 0.0, s, 0.5) for s in (0, 1)]
    found = [json.loads((r / "scores.json").read_text()) for r in runs]
    evaluate.require_same_ground(runs, found)
    found[1]["test"]["confusion"] = [[200, 0], [1, 200]]
    with pytest.raises(InputError, match=r"real-0\.0-1: was scored on other test pixels than .*real-0\.0-0"):
        evaluate.require_same_ground(runs, found)


def test_image_quality(made: dict[str, pd.DataFrame]) -> None:
    table = made["image_quality"]
    assert ",".join(table.columns) == (
        "generator,extractor,fid,kid,agreement_synthetic,agreement_real,diversity,n,n_reference,"
        "train_minutes,device"
    )
    table = table.set_index("generator")
    assert table["n"].tolist() == [1, 5]
    assert table["n_reference"].tolist() == [5, 5]  # evaluate.samples
    assert set(table["extractor"]) == {"efficientnet_lite0"}
    assert table["agreement_synthetic"].tolist() == pytest.approx([(3 / 4 + 4 / 5) / 2] * 2)
    assert table["agreement_real"].tolist() == [1, 1]
    assert table["fid"].isna().tolist() == [True, False]  # one picture has no distribution


def test_time_and_diversity_are_unknown_without_models_and_twins(made: dict[str, pd.DataFrame]) -> None:
    table = made["image_quality"].set_index("generator")
    assert table.loc["h", "train_minutes"] == 3  # base and image generator
    assert table.loc["h", "device"] == "cpu (x)"
    assert table.loc["h", "diversity"] > 0
    assert table.loc["g", ["train_minutes", "device", "diversity"]].isna().all()


def test_label_ratios(made: dict[str, pd.DataFrame]) -> None:
    table = made["label_ratios"]
    assert table["class"].tolist() == ["a", "b", "c"] * 2
    assert table.groupby("generator")["n"].first().to_dict() == {"g": 1, "h": 6}
    for _, rows in table.groupby("generator"):
        assert rows["mcpe"].iloc[0] == pytest.approx(rows["cpe"].mean())


def test_label_shapes(made: dict[str, pd.DataFrame]) -> None:
    table = made["label_shapes"].set_index("generator")
    assert list(table.index) == ["real train masks", "real test masks", "g", "h"]
    assert table["n"].tolist() == [5, 2, 1, 5]
    assert table["boundary"].dropna().between(0.3, 3).all()
    assert (table["copies"].dropna() <= 1).all()
    assert table["residual"].dropna().to_dict() == {"h": 0.25}


def test_missing_pairs_are_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="7 were planned, 6 are there"):
        evaluate.require_complete([plan(tmp_path, 7)], [shards.pairs(tmp_path, 6)])


def test_pictures_are_spread_over_the_split(tmp_path: Path) -> None:
    paths = shards.tiles(tmp_path)
    every = list(evaluate.pictures(shards.dataset(), paths, "train", 100))
    some = list(evaluate.pictures(shards.dataset(), paths, "train", 3))
    assert len(every) == 8
    assert [p.shape for p in some] == [(32, 32, 3)] * 3
    assert all(
        torch.equal(torch.from_numpy(a), torch.from_numpy(every[i]))
        for a, i in zip(some, (0, 4, 7), strict=True)
    )


def test_samples_come_in_the_order_of_their_names_one_by_one(tmp_path: Path) -> None:
    paths = shards.tiles(tmp_path)
    asked = iter(["val1", "train3", "test0", "train3"])
    found = evaluate.named(paths, asked)  # type: ignore[arg-type]
    first = next(found)
    assert first.image_array().shape == (3, shards.SIDE, shards.SIDE)
    assert next(asked) == "train3"  # nothing was read ahead
    assert [first.id, *(s.id for s in found)] == ["val1", "test0", "train3"]
