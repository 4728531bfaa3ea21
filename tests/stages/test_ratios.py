from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from landloom.config.data import DataConfig
from landloom.config.ratios import RatiosConfig
from landloom.config.tile import TileConfig
from landloom.data import known_pixels, samples
from landloom.data.radiometry import limits
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.raster import codec
from landloom.raster.labels import IGNORE
from landloom.stages import ratios
from landloom.stages import tile as cutting
from tests import rasters

TWO = rasters.config(rgb=[2, 1, 2])


def tile(name: str, share: float, split: str = "train", image: NDArray[Any] | None = None) -> Sample:
    """A tile of 10 x 10 pixels with this share of class2."""
    mask = (np.arange(100) >= 100 - round(100 * share)).astype(np.uint8).reshape(10, 10)
    image = np.stack([np.arange(100), np.arange(100) * 2]).reshape(2, 10, 10) if image is None else image
    data = codec.encode(image.astype(np.uint16))
    return Sample(
        id=name, mask=codec.encode(mask), image=data, scene=name[0], split=split, ratios=[1 - share, share]
    )


def write(path: Path, tiles: list[Sample], dtype: str = "uint16", bands: int = 2) -> Path:
    samples.write(path, tiles, {"classes": ["class1", "class2"], "dtype": dtype, "bands": bands})
    return path


def run(
    folder: Path, tiles: list[Sample], data: DataConfig = TWO, **config: Any
) -> tuple[pd.DataFrame, Statistics]:
    shard = write(folder / "tiles.parquet", tiles)
    ratios.run(
        RatiosConfig(**config), data, "tiny", [shard], folder / "r.parquet", folder / "statistics.json"
    )
    return pd.read_parquet(folder / "r.parquet"), Statistics.load(folder / "statistics.json")


def rest() -> list[Sample]:
    return [tile("v1", 0, "val"), tile("t1", 1, "test")]


def test_table_has_one_column_a_class(tmp_path: Path) -> None:
    table, _ = run(tmp_path, [tile("a1", 0.25), *rest()])
    assert table.columns.tolist() == ["id", "scene", "split", "class1", "class2"]
    assert table["class2"].tolist() == [0.25, 0, 1]
    assert table["split"].tolist() == ["train", "val", "test"]


def test_card_from_hand_computed_values(tmp_path: Path) -> None:
    # class2 in three of four train tiles, class1 in all but one; val and test do not count.
    train = [tile("a1", 0), tile("a2", 0.5), tile("b1", 0.3), tile("b2", 1)]
    _, statistics = run(tmp_path, [*train, *rest()])
    assert statistics.prior == pytest.approx([0.55, 0.45])
    assert (statistics.tiles, statistics.scenes, statistics.size) == (
        {"train": 4, "val": 1, "test": 1},
        4,
        10,
    )
    assert (statistics.bands, statistics.dtype, statistics.rgb, statistics.names) == (
        2,
        "uint16",
        [1, 0, 1],
        ["class1", "class2"],
    )


def test_percentiles_of_labelled_train_pixels(tmp_path: Path) -> None:
    outlier = tile("a1", 0.5)
    image, mask = outlier.image_array(), outlier.mask_array()
    image[:, 0, 0], mask[0, 0] = 60000, IGNORE
    outlier.image, outlier.mask = codec.encode(image), codec.encode(mask)
    _, statistics = run(tmp_path, [outlier, *rest()], percentiles=(0, 100))
    assert (statistics.low, statistics.high) == ([1, 2], [99, 198])


@pytest.mark.parametrize(
    ("config", "low", "high"),
    [({"scale": "dtype"}, 0, 65535), ({"scale": "range", "range": (10, 90)}, 10, 90)],
)
def test_other_scales(tmp_path: Path, config: dict[str, Any], low: float, high: float) -> None:
    _, statistics = run(tmp_path, [tile("a1", 0.5), *rest()], **config)
    assert (statistics.low, statistics.high) == ([low] * 2, [high] * 2)


@pytest.mark.parametrize("value", [7, 65535])
def test_a_constant_band_keeps_its_value_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], value: int
) -> None:
    _, statistics = run(tmp_path, [tile("a1", 0.5, image=np.full((2, 10, 10), value)), *rest()])
    assert (statistics.low, statistics.high) == ([value] * 2, [value] * 2)
    assert f"band 1 is {value}" in capsys.readouterr().err


def test_limits_are_finite_whatever_the_tiles_hold(tmp_path: Path) -> None:
    image = np.arange(200, dtype=np.float32).reshape(2, 10, 10)
    image[0, :2], image[1, 5] = np.inf, np.nan
    shard = tmp_path / "t.parquet"
    samples.write(shard, [replace(tile("a1", 0.5), image=codec.encode(image)), *rest()])
    low, high = limits(RatiosConfig(percentiles=(0, 100)), [shard], "float32", 2)
    assert (low, high) == ([20, 120], [99, 199])


def test_a_band_without_a_value_is_named(tmp_path: Path) -> None:
    image = np.ones((2, 10, 10), np.float32)
    image[1] = -np.inf
    shard = tmp_path / "t.parquet"
    samples.write(shard, [replace(tile("a1", 0.5), image=codec.encode(image)), *rest()])
    with pytest.raises(InputError, match=r"train tiles, band 2: no pixel .* has a value.*data\.bands"):
        limits(RatiosConfig(), [shard], "float32", 2)


def test_values_are_thinned_but_still_span_the_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landloom.data.radiometry.VALUES", 30)
    monkeypatch.setattr("landloom.data.radiometry.TILES", 2)
    _, statistics = run(tmp_path, [*(tile(f"a{i}", 0.5) for i in range(5)), *rest()], percentiles=(0, 100))
    assert statistics.low[0] < 10
    assert statistics.high[0] > 90


def counted(folder: Path, name: str, **split: Any) -> Path:
    """A shard of 8-bit tiles that the stage ``tile`` has cut and counted."""
    scene = rasters.pair(folder / name, rasters.noise(64, 96, seed=ord(name)), rasters.halves(64, 96))
    data = rasters.config(split={"by": "block", "block": 32, "val": 0.2, "test": 0.2} | split)
    job = ([name], ["block"], list(scene.images), [scene.mask], folder / f"{name}.parquet")
    cutting.run(TileConfig(size=16), data, *job)
    return job[-1]


def test_limits_from_counts_are_those_from_decoded_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = [counted(tmp_path, name) for name in "ab"]
    found = limits(RatiosConfig(percentiles=(1.3, 98.6)), shards, "uint8", 3)
    monkeypatch.setattr(samples, "totals", lambda path: {})
    assert limits(RatiosConfig(percentiles=(1.3, 98.6)), shards, "uint8", 3) == found


def test_counted_images_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = counted(tmp_path, "a")
    monkeypatch.setattr(Sample, "image_array", lambda self: pytest.fail("decoded"))
    ratios.run(RatiosConfig(), rasters.config(), "tiny", [shard], tmp_path / "r", tmp_path / "s.json")


def test_one_shard_without_counts_is_enough_to_decode_all(tmp_path: Path) -> None:
    shard, dark = counted(tmp_path, "a"), np.zeros((3, 16, 16), np.uint8)
    mask = codec.encode(rasters.halves(16, 16) - 1)
    samples.write(tmp_path / "b.parquet", [Sample("b", mask, codec.encode(dark))] * 30)
    low, _ = limits(RatiosConfig(), [shard, tmp_path / "b.parquet"], "uint8", 3)
    assert low == [0, 0, 0]


def test_the_table_is_that_of_all_cells(tmp_path: Path) -> None:
    shards = [write(tmp_path / f"{n}.parquet", [tile(f"{n}{i}", i / 7) for i in range(7)]) for n in "abc"]
    found, cells = ratios.ratio_table(shards, ["x", "y"]), samples.columns(shards, ["id", "scene", "ratios"])
    assert found["id"].tolist() == cells["id"]
    assert found["scene"].tolist() == cells["scene"]
    assert found[["x", "y"]].to_numpy().tolist() == cells["ratios"]
    assert found[["x", "y"]].dtypes.tolist() == [np.float32] * 2


@pytest.mark.parametrize(
    ("tiles", "message"),
    [
        ([], r"no window has enough pixels with data in all bands.*data\.bands"),
        (rest(), r"data\.split\.train: no tile of 2 is in train.*Change data\.split"),
        ([tile("a1", 0.5), tile("t1", 0.5, "test")], r"data\.split\.val: no tile"),
        ([tile("a1", 0.5), tile("v1", 0.5, "val")], r"data\.split\.test: no tile"),
        ([tile("a1", 0), *rest()], r"no train tile holds class2.*Merge or drop it.*data\.split\.seed"),
    ],
)
def test_what_cannot_be_trained_on_is_an_error(tmp_path: Path, tiles: list[Sample], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(tmp_path, tiles)


def test_a_split_that_nobody_asked_for_may_be_empty(tmp_path: Path) -> None:
    data = rasters.config(rgb=[1], split={"val": 0.0})
    _, statistics = run(tmp_path, [tile("a1", 0.5), tile("t1", 0.5, "test")], data)
    assert statistics.tiles["val"] == 0


def test_shards_that_disagree_are_named(tmp_path: Path) -> None:
    shards = [write(tmp_path / f"{n}.parquet", [tile(n, 0.5)]) for n in "ab"]
    odd = write(tmp_path / "odd.parquet", [], "uint8", 3)
    with pytest.raises(
        InputError, match=r"odd\.parquet: images have 3 bands of uint8.*2 of uint16.*data\.bands"
    ):
        ratios.run(RatiosConfig(), TWO, "tiny", [*shards, odd], tmp_path / "r", tmp_path / "c")


def test_dtype_has_no_meaning_for_floats(tmp_path: Path) -> None:
    shard = write(tmp_path / "f.parquet", [tile("a1", 0.5), *rest()], "float32")
    with pytest.raises(
        InputError, match=r"ratios\.scale: dtype: images are float32.*Use percentile or range"
    ):
        ratios.run(RatiosConfig(scale="dtype"), TWO, "tiny", [shard], tmp_path / "r", tmp_path / "c")


def test_images_without_labels_count_for_the_limits_alone(tmp_path: Path) -> None:
    more = replace(tile("u1", 1, "unlabelled", np.full((2, 10, 10), 500)), mask=None, ratios=[])
    table, card = run(tmp_path, [tile("a1", 0.25), more, *rest()], percentiles=[0, 100])
    assert table["id"].tolist() == ["a1", "v1", "t1"]
    assert card.prior == [0.75, 0.25]
    assert (card.low, card.high) == ([0, 0], [500, 500])
    assert card.tiles == {"train": 1, "val": 1, "test": 1, "unlabelled": 1}
    assert card.scenes == 4


def test_pixels_without_data_count_for_no_limit(tmp_path: Path) -> None:
    image, valid = np.full((2, 10, 10), 50), np.ones((10, 10), np.bool_)
    image[:, 0, 0], valid[0, 0] = 9999, False
    more = tile("u1", 1, "unlabelled", image)
    more = replace(more, mask=None, ratios=[], layers=known_pixels.layers(valid))
    _, card = run(tmp_path, [tile("a1", 0.25), more, *rest()], percentiles=[0, 100])
    assert card.high == [99, 198]
