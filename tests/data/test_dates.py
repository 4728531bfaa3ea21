"""Layers of other days that ``tile`` writes."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.transform import Affine

from landloom import __main__
from landloom.config.dates import LayersOfDatesConfig
from landloom.config.tile import TileConfig
from landloom.data import dates, samples
from landloom.data.samples import Meta, Sample
from landloom.errors import InputError
from landloom.raster.series import Frame
from landloom.stages import tile
from tests import rasters
from tests.rasters import GRID

DAYS = {"a": "2015-08-01", "b": "2017-08-01", "c": "unknown"}
ON = TileConfig(size=16, dates=LayersOfDatesConfig())


def scenes(folder: Path) -> dict[str, Any]:
    """Three days of a farm, the last of them not known; arguments of the stage for the first two."""
    for i, name in enumerate(DAYS):
        move = GRID @ Affine.translation(16, 0) if name == "b" else GRID
        image = rasters.noise(32, 32, seed=i)
        rasters.save(folder / f"images/{name}.tif", image, transform=move)
        rasters.save(folder / f"masks/{name}.tif", rasters.halves(32, 32), transform=move)
    files = [folder / f"images/{n}.tif" for n in DAYS]
    return {
        "data": rasters.config(folder), "scene": ["a", "b"], "split": ["train", "val"], "image": files[:2],
        "mask": [folder / f"masks/{n}.tif" for n in "ab"], "acquired": ["2015-08-01", "2017-08-01"],
        "place": ["farm", "farm"], "reference": files, "reference_scene": list(DAYS),
        "reference_place": ["farm"] * 3, "reference_acquired": list(DAYS.values()),
    }  # fmt: skip


def cut(folder: Path, config: TileConfig = ON, **changes: Any) -> list[Sample]:
    out = folder / "tiles.parquet"
    tile.run(config, out=out, **scenes(folder) | changes)
    return list(samples.read(out))


def test_each_tile_has_the_days_that_show_it(tmp_path: Path) -> None:
    found = {s.id: s for s in cut(tmp_path)}
    assert {s.place for s in found.values()} == {"farm"}
    assert {n: [f.acquired for f in dates.frames(s)] for n, s in found.items()} == {
        "a_0_0": [], "a_0_16": [date(2017, 8, 1)], "a_16_0": [], "a_16_16": [date(2017, 8, 1)],
        "b_0_0": [date(2015, 8, 1)], "b_0_16": [], "b_16_0": [date(2015, 8, 1)], "b_16_16": [],
    }  # fmt: skip
    (other,) = dates.frames(found["a_16_16"])
    assert other.valid.all()
    np.testing.assert_array_equal(other.values, found["b_16_0"].image_array())
    assert samples.metadata(tmp_path / "tiles.parquet")["dates"] == 4


def test_off_no_layer_is_written_and_the_shard_is_as_without_references(tmp_path: Path) -> None:
    found = cut(tmp_path, TileConfig(size=16))
    assert not any(s.layers for s in found)
    first = (tmp_path / "tiles.parquet").read_bytes()
    names = [k for k in scenes(tmp_path) if k.startswith("reference")]
    cut(tmp_path, TileConfig(size=16), **dict.fromkeys(names))
    assert (tmp_path / "tiles.parquet").read_bytes() == first


def test_a_scene_without_a_place_has_no_other_days(tmp_path: Path) -> None:
    assert not any(s.layers for s in cut(tmp_path, place=None))


def test_the_command_line_takes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = scenes(tmp_path)
    words = ["--config", ON.model_dump_json(), "--data", given.pop("data").model_dump_json()]
    for name, values in given.items():
        words += [f"--{name.replace('_', '-')}", *map(str, values)]
    monkeypatch.setattr("sys.argv", ["landloom", "tile", *words, "--out", str(tmp_path / "x" / "t.parquet")])
    assert __main__.main() == 0
    cut(tmp_path)
    assert (tmp_path / "x/t.parquet").read_bytes() == (tmp_path / "tiles.parquet").read_bytes()


def test_lists_that_differ_in_length_are_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--reference-scene and --reference-place differ in length"):
        cut(tmp_path, reference_place=["farm"])


def test_layers_say_where_they_hold_data() -> None:
    values, valid = rasters.noise(4, 4), np.eye(4, dtype=bool)
    days = [date(2015, 8, 1), date(2012, 8, 1)]
    sample = Sample("t", layers=[dates.layer(Frame(values, valid, d)) for d in days])
    first, second = dates.frames(sample)
    assert [first.acquired, second.acquired] == sorted(days)
    np.testing.assert_array_equal(first.values, values)
    np.testing.assert_array_equal(first.valid, valid)


def test_a_layer_without_a_day_is_an_input_error() -> None:
    layer = dates.layer(Frame(rasters.noise(4, 4), np.eye(4, dtype=bool), date(2015, 8, 1)))
    layer.acquired = None
    with pytest.raises(InputError, match="t7: a layer 'dates' has no day"):
        dates.frames(Sample("t7", layers=[layer]))


def test_seen_from_another_day_the_tile_itself_is_one_of_the_days(tmp_path: Path) -> None:
    one = {s.id: s for s in cut(tmp_path)}["a_0_16"]
    assert one.meta is not None
    assert dates.told(one, None) == dates.told(one, date(2015, 8, 1)) == one.layers
    found = dates.frames(Sample("t", layers=dates.told(one, date(2020, 1, 1))))
    assert [f.acquired.year for f in found] == [2015, 2017]
    np.testing.assert_array_equal(found[0].values, one.image_array())
    assert dates.told(Sample("t", meta=Meta(acquired=date(2015, 8, 1))), date(2020, 1, 1)) == []
