import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from landloom.config.features import FeaturesConfig
from landloom.config.label_table import LabelTableConfig
from landloom.config.plan import MixGoal, PlanConfig
from landloom.data import samples
from landloom.data.quality import Quality
from landloom.data.samples import Requested, Sample, class_ratios
from landloom.errors import InputError
from landloom.metrics import extractors
from landloom.provenance.records import record_path
from landloom.raster import codec
from landloom.reporting import labels, tables
from landloom.stages import label_table
from tests import shards
from tests.stages.test_evaluate import Means

PLAN = PlanConfig(mixes={"held-out": MixGoal(), "boosted": MixGoal(goal="boost", boost={"a": 2})})
CONFIG = LabelTableConfig(plan=PLAN)
COLUMNS = ["variant", "class", "cpe", "mcpe", "n", "device", "seconds"]


def shard(folder: Path, variant: str, off: float, seconds: float, number: int = 0) -> Path:
    """Four held-out masks and two boosted ones whose class 0 is off by a share, and their record."""
    rng, rows = np.random.default_rng(number), []
    for i in range(6):
        mask = shards.mask(rng)
        got = class_ratios(mask, 3)
        target = [got[0] + off, got[1] - off, float("nan")]
        request, quality = Requested("held-out" if i < 4 else "boosted", 1), Quality(accepted=i > 0)
        rows.append(
            Sample(
                id=f"{variant}{i}",
                mask=codec.encode(mask),
                ratios=got,
                target_ratios=target,
                request=request,
                quality=quality,
            )
        )
    path = folder / variant / f"{number}.parquet"
    path.parent.mkdir(exist_ok=True)
    samples.write(path, rows, {"generator": f"label_table/{variant}"})
    record_path(path).write_text(json.dumps({"seconds": seconds, "device": "cpu (test)"}))
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    masks = [shard(folder, "exact", 0.0, 6), shard(folder, "off", 0.1, 30), shard(folder, "off", 0.1, 30, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extractors, "load", lambda *given: Means())
        label_table.run(
            CONFIG, FeaturesConfig(), shards.statistics(folder), shards.tiles(folder),
            masks, folder / "ratios.csv", folder / "shapes.csv", folder / "picture.png",
        )  # fmt: skip
    return folder


def test_the_columns_are_the_ones_others_rely_on(made: Path) -> None:
    assert list(pd.read_csv(made / "ratios.csv").columns) == COLUMNS


def test_errors_by_hand(made: Path) -> None:
    table = pd.read_csv(made / "ratios.csv").set_index(["variant", "class"])
    assert list(dict.fromkeys(table.index.get_level_values(0))) == [
        "exact", "exact (boosted)", "off", "off (boosted)",
    ]  # fmt: skip
    assert table.loc["exact", "mcpe"].tolist() == pytest.approx([0] * 3, abs=1e-5)
    off = table.loc["off"]
    assert off["cpe"].tolist() == pytest.approx([10, 10, np.nan], nan_ok=True, abs=1e-4)
    assert off["mcpe"].tolist() == pytest.approx([10] * 3, abs=1e-4)
    assert off["n"].tolist() == [8] * 3  # rejected masks count, and all shards
    assert table.loc["off (boosted)", "n"].tolist() == [4] * 3


def test_time_is_divided_by_masks(made: Path) -> None:
    table = pd.read_csv(made / "ratios.csv").drop_duplicates("variant").set_index("variant")
    assert table["seconds"].tolist() == [4, 2, 40, 20]
    assert set(table["device"]) == {"cpu (test)"}


def test_without_a_record_the_time_is_unknown(tmp_path: Path) -> None:
    masks = [shard(tmp_path, "v", 0.0, 6), shard(tmp_path, "v", 0.0, 6, 1)]
    record_path(masks[1]).unlink()
    table = label_table.shares("v", masks, shards.dataset(), "held-out")
    assert table[["seconds", "device"]].isna().all(axis=None)
    assert table["n"].tolist()[:3] == [8] * 3
    assert labels.ablation(table, ["a"]).rows[0][-1] == tables.MISSING


def test_shapes_stand_beside_those_of_real_masks(made: Path) -> None:
    table = pd.read_csv(made / "shapes.csv")
    assert table["variant"].tolist() == ["real train masks", "real test masks", "exact", "off"]
    assert table["n"].tolist() == [8, 2, 4, 8]
    assert table["copies"].isna().tolist() == [True, False, False, False]


def test_the_picture_is_one(made: Path) -> None:
    with Image.open(made / "picture.png") as picture:
        assert min(picture.size) > 200


def test_shards_without_a_name_are_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    samples.write(path, [])
    with pytest.raises(InputError, match="does not name its generator"):
        label_table.by_variant([path])
