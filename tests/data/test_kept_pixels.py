from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landloom.data import kept_pixels
from landloom.data.kept_pixels import PIXELS, WHERE
from landloom.data.layers import Layer
from landloom.data.samples import Sample
from landloom.errors import InputError
from landloom.raster import codec
from tests import bases

SIDE = bases.SIDE
HALF = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 2 == 0
VALUES = np.random.default_rng(0).integers(0, 65536, (bases.BANDS, SIDE, SIDE)).astype(np.uint16)
GOOD = Sample("t1", layers=kept_pixels.layers(VALUES, HALF))


def pixels(array: Any, **more: Any) -> Layer:
    return Layer(PIXELS, codec.encode(array), **more)


def where(array: Any) -> Layer:
    return Layer(WHERE, codec.encode(array.astype(np.uint8)))


def test_known_pixels_go_into_an_image_bit_for_bit() -> None:
    kept = kept_pixels.of(GOOD)
    assert kept is not None
    image = np.full_like(VALUES, 7)
    found = kept.into(image)
    assert found.dtype == np.uint16
    assert np.array_equal(found[:, HALF], VALUES[:, HALF])
    assert (found[:, ~HALF] == 7).all()
    assert kept_pixels.of(Sample("t2")) is None


def test_pixels_without_data_in_any_band_are_not_known() -> None:
    values = VALUES.astype(np.float32)
    values[1, 2, 4] = np.nan
    kept = kept_pixels.of(Sample("t", layers=[pixels(values)]))
    assert kept is not None
    assert np.argwhere(~kept.known).tolist() == [[2, 4]]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([where(HALF)], r"^t2: has 0 layers 'known_pixels' and 1 layers 'known_where'"),
        ([pixels(VALUES)] * 2, r"^t2: has 2 layers"),
        ([pixels(VALUES[:3]), where(HALF)], r"^t2: .*'known_pixels' has 3 bands of 32 x 32 .* for 4 bands"),
        ([pixels(VALUES[:, :16]), where(HALF)], r"^t2: .*'known_pixels' has 4 bands of 16 x 32 pixels"),
        ([pixels(VALUES), where(HALF[:8])], r"^t2: .*'known_where' has 1 band of 8 x 32 .* of 32 x 32"),
        ([pixels(VALUES.astype(np.float32)), where(HALF)], r"^t2: .* is float32, but the images are uint16"),
        ([pixels(VALUES, transform=[9.0, 0, 0, 0, 9, 0])], r"^t2: .* lies on a grid of its own, \[9\.0"),
        ([pixels(VALUES)], r"^t2: every pixel of its layer 'known_pixels' is known"),
        ([pixels(VALUES), where(HALF & False)], r"^t2: no pixel of its layer 'known_pixels' is known"),
    ],
)
def test_layers_that_do_not_fit_are_input_errors(layers: list[Layer], message: str) -> None:
    bad = replace(GOOD, id="t2", layers=layers)
    with pytest.raises(InputError, match=message) as found:
        kept_pixels.check([GOOD, bad, Sample("t3"), replace(bad, id="t4")], bases.dataset())
    assert "(and 1 more samples have this problem)" in str(found.value)


def test_what_fits_is_no_error() -> None:
    grid: Callable[[Layer], Layer] = lambda la: replace(la, transform=[1.0, 0, 0, 0, 1, 0])  # noqa: E731
    placed = replace(GOOD, transform=[1.0, 0, 0, 0, 1, 0], layers=[grid(la) for la in GOOD.layers])
    kept_pixels.check([GOOD, placed, Sample("t3")], bases.dataset())
