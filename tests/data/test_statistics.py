from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landloom.data.statistics import ClassInfo, Statistics
from landloom.errors import InputError


def statistics(
    low: list[float], high: list[float], dtype: str = "uint8", rgb: list[int] | None = None
) -> Statistics:
    return Statistics(
        name="tiny",
        size=16,
        classes=[ClassInfo(name="a", color="#000000"), ClassInfo(name="b", color="#ffffff")],
        bands=len(low),
        dtype=dtype,
        rgb=rgb or [0],
        low=low,
        high=high,
        prior=[0.5, 0.5],
        tiles={"train": 1, "val": 1, "test": 1},
        scenes=3,
    )


def test_each_band_has_its_own_limits() -> None:
    image = np.array([0, 50, 100, 200, 10, 20], np.float32).reshape(2, 1, 3)
    found = statistics([0, 0], [100, 20], "float32").scale(image)
    np.testing.assert_allclose(found[:, 0], [[-1, 0, 1], [1, 0, 1]])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_missing_values_are_the_lowest_value(value: float) -> None:
    assert statistics([0], [1], "float32").scale(np.full((1, 1, 1), value, np.float32)).item() == -1


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_integers_never_wrap(dtype: str) -> None:
    info = np.iinfo(dtype)
    wide = statistics([float(info.min) - 9], [float(info.max) + 9], dtype)
    found = wide.unscale(np.array([-1, 1], np.float32).reshape(1, 1, 2)).ravel()
    assert found[0] == info.min
    assert info.max - found[1].item() < 4096  # a float is that near to the last 64-bit integers


@pytest.mark.parametrize(
    ("dtype", "value"), [("uint8", 255), ("uint8", 0), ("int16", -32768), ("float32", 3e8)]
)
def test_a_constant_band_comes_back_as_its_constant(dtype: str, value: float) -> None:
    found = statistics([value], [value], dtype)
    image = np.full((1, 1, 3), value, dtype)
    assert np.isfinite(found.scale(image)).all()
    assert (found.unscale(np.array([-1, 0, 1], np.float32).reshape(1, 1, 3)) == value).all()


@pytest.mark.parametrize("dtype", ["int32", "uint32"])
def test_large_integers_come_back_exactly(dtype: str) -> None:
    found = statistics([2**30 + 1], [2**30 + 101], dtype).unscale(
        np.array([-1, 0, 1], np.float32).reshape(1, 1, 3)
    )
    assert found.ravel().tolist() == [2**30 + 1, 2**30 + 51, 2**30 + 101]


@given(st.integers(0, 255))
def test_unscale_undoes_scale_between_the_limits(value: int) -> None:
    image = np.full((1, 1, 1), value, np.uint8)
    found = statistics([0], [255])
    back = found.unscale(found.scale(image))
    assert (back.dtype.name, back.item()) == ("uint8", value)


def test_preview_takes_the_rgb_bands() -> None:
    image = np.array([0, 100, 200], np.uint8).reshape(3, 1, 1)
    assert statistics([0] * 3, [200] * 3, rgb=[2, 1, 0]).preview(image).tolist() == [[[255, 128, 0]]]
    assert statistics([0] * 3, [200] * 3, rgb=[2]).preview(image).tolist() == [[[255, 255, 255]]]


def test_a_card_survives_the_disk(tmp_path: Path) -> None:
    given = statistics([0.5], [7.25])
    given.save(tmp_path / "statistics.json")
    assert Statistics.load(tmp_path / "statistics.json") == given
    assert (given.names, given.colors) == (["a", "b"], ["#000000", "#ffffff"])


def test_what_is_no_card_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "statistics.json").write_text("{}")
    with pytest.raises(InputError, match=r"statistics\.json: no dataset statistics.*Run ratios again"):
        Statistics.load(tmp_path / "statistics.json")


@pytest.mark.parametrize(
    ("dtype", "offset"), [("float64", 1e300), ("float64", 5e6), ("int32", 2**30), ("int64", 2**53)]
)
def test_values_that_single_precision_cannot_tell_apart_are_told_apart(dtype: str, offset: float) -> None:
    step = 1e297 if offset > 1e100 else 0.01 if dtype == "float64" and offset < 1e9 else 2
    images = (offset + step * np.arange(5)).astype(dtype).reshape(1, 1, 5)
    limits = [float(images.min())], [float(images.max())]
    np.testing.assert_allclose(
        statistics(*limits, dtype=dtype, rgb=[0]).scale(images).ravel(), np.linspace(-1, 1, 5), atol=1e-3
    )
