from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landloom.dataset import ClassInfo, Dataset
from landloom.errors import InputError


def card(low: list[float], high: list[float], dtype: str = "uint8", rgb: list[int] | None = None) -> Dataset:
    return Dataset(
        name="tiny",
        size=16,
        classes=[ClassInfo(name="a", color="#000000"), ClassInfo(name="b", color="#ffffff")],
        bands=len(low),
        dtype=dtype,
        rgb=rgb or [0],
        low=low,
        high=high,
        prior=[0.5, 0.5],
        cooccurrence=[[1, 0], [0, 1]],
        tiles={"train": 1, "val": 1, "test": 1},
        scenes=3,
    )


def test_each_band_has_its_own_limits() -> None:
    image = np.array([0, 50, 100, 200, 10, 20], np.float32).reshape(2, 1, 3)
    found = card([0, 0], [100, 20], "float32").scale(image)
    np.testing.assert_allclose(found[:, 0], [[-1, 0, 1], [1, 0, 1]])


def test_nan_is_the_lowest_value() -> None:
    assert card([0], [1], "float32").scale(np.full((1, 1, 1), np.nan)).item() == -1


@given(st.integers(0, 255))
def test_unscale_undoes_scale_between_the_limits(value: int) -> None:
    image = np.full((1, 1, 1), value, np.uint8)
    found = card([0], [255])
    back = found.unscale(found.scale(image))
    assert (back.dtype.name, back.item()) == ("uint8", value)


def test_preview_takes_the_rgb_bands() -> None:
    image = np.array([0, 100, 200], np.uint8).reshape(3, 1, 1)
    assert card([0] * 3, [200] * 3, rgb=[2, 1, 0]).preview(image).tolist() == [[[255, 128, 0]]]
    assert card([0] * 3, [200] * 3, rgb=[2]).preview(image).tolist() == [[[255, 255, 255]]]


def test_a_card_survives_the_disk(tmp_path: Path) -> None:
    given_card = card([0.5], [7.25])
    given_card.save(tmp_path / "card.json")
    assert Dataset.load(tmp_path / "card.json") == given_card
    assert (given_card.names, given_card.colors) == (["a", "b"], ["#000000", "#ffffff"])


def test_what_is_no_card_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(InputError, match=r"card\.json: not a dataset card.*Run ratios again"):
        Dataset.load(tmp_path / "card.json")
