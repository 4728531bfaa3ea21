"""Layouts as the stage ``label_sample`` writes them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from landloom.config.label_sample import LabelSampleConfig
from landloom.data import samples
from landloom.data.samples import Sample
from landloom.data.statistics import ClassInfo
from landloom.errors import InputError
from landloom.stages import label_sample
from tests import bright_boxes, shards


def layout_plan(folder: Path, count: int = 12) -> Path:
    rows = [
        {
            "id": f"s{i:06d}",
            "shard": 0,
            "seed": 100 + i,
            "mix": "real",
            "caption": "c",
            "target_ratios": [1.0],
        }
        for i in range(count)
    ]
    pd.DataFrame(rows).to_parquet(folder / "plan.parquet")
    return folder / "plan.parquet"


def layouts(folder: Path, name: str = "out", **layout: Any) -> list[Sample]:
    config = LabelSampleConfig.model_validate({"source": "layout", "layout": layout})
    out = folder / f"{name}.parquet"
    painted_statistics(folder)
    given = folder / "dataset.json", layout_plan(folder), bright_boxes.tiles(folder)
    label_sample.run(config, "g", 0, *given, out)
    return list(samples.read(out))


def painted_statistics(folder: Path) -> None:
    """Statistics of tiles whose masks are painted from their objects."""
    names = [("background", "#303030"), ("red", "#e63c3c"), ("green", "#3ce63c")]
    classes = [ClassInfo(name=n, color=c) for n, c in names]
    bright_boxes.dataset(classes=classes).save(folder / "dataset.json")


def test_layouts_have_the_objects_of_a_train_tile_and_no_image(tmp_path: Path) -> None:
    found = layouts(tmp_path)
    real = {s.id: s for s in samples.read(tmp_path / "train.parquet")}
    assert [s.id for s in found] == [f"g_s{i:06d}" for i in range(12)]
    for one in found:
        assert (one.image, one.source, one.caption) == (None, "g", "c")
        assert np.isnan(one.target_ratios or []).tolist() == [True] * 3  # the mix is left open
        kinds = [o.category for o in one.objects or []]
        assert kinds == [o.category for o in real[one.parents[0]].objects or []]
        assert one.objects != real[one.parents[0]].objects
    # NaN is not equal to itself, but reads the same.
    assert repr(layouts(tmp_path, "again")) == repr(found)


def test_the_mask_of_a_layout_is_painted_from_its_objects(tmp_path: Path) -> None:
    for one in layouts(tmp_path, boost={"red": 2}):
        mask = one.mask_array()
        assert mask.shape == (bright_boxes.SIDE, bright_boxes.SIDE)
        assert one.ratios == pytest.approx(np.bincount(mask.ravel(), minlength=3) / mask.size)
        for o in one.objects or []:
            column, row = o.quad().mean(0).astype(int)
            assert mask[row, column] > 0  # its class, or that of a smaller object over it
        areas = [abs(np.cross(q[0] - q[2], q[1] - q[3])) / 2 for q in (o.quad() for o in one.objects or [])]
        assert (mask > 0).sum() <= sum(areas) * 1.1


def test_layouts_need_masks_that_are_painted_from_objects(tmp_path: Path) -> None:
    given = bright_boxes.statistics(tmp_path), layout_plan(tmp_path), bright_boxes.tiles(tmp_path)
    with pytest.raises(InputError, match=r"masks show other classes than objects.*Leave out data\.masks"):
        label_sample.run(LabelSampleConfig(source="layout"), "g", 0, *given, tmp_path / "out.parquet")


def test_a_class_may_be_boosted_and_what_finds_no_place_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few, many = layouts(tmp_path), layouts(tmp_path, "more", boost={"red": 2})
    more = [sum(o.category == 0 for s in rows for o in s.objects or []) for rows in (few, many)]
    said = re.search(r"layout: (\d+) of \d+ objects found no place", capsys.readouterr().err)
    assert more[1] + (int(said[1]) if said else 0) == 2 * more[0]
    assert more[1] > more[0]


def test_an_unknown_class_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no object class is called blue\. Use red, green"):
        layouts(tmp_path, boost={"blue": 2})


def test_layouts_need_objects(tmp_path: Path) -> None:
    config = LabelSampleConfig(source="layout")
    tiles = shards.tiles(tmp_path)
    given = shards.statistics(tmp_path), layout_plan(tmp_path), tiles
    with pytest.raises(InputError, match=r"'layout', but no train tile holds an object\. Give data\.objects"):
        label_sample.run(config, "g", 0, *given, tmp_path / "out.parquet")
