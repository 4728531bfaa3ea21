"""Pictures in the page."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from landloom.raster.labels import IGNORE
from landloom.reporting import pictures


def opened(uri: str) -> Image.Image:
    head, content = uri.split(";base64,")
    found = Image.open(io.BytesIO(base64.b64decode(content)))
    assert head == f"data:image/{(found.format or '').lower()}"
    return found


@pytest.mark.parametrize("count", [2, 7, 255])
def test_colours_of_classes_are_exact(count: int) -> None:
    colors = [f"#{i:02x}{255 - i:02x}{7 * i % 256:02x}" for i in range(count)]
    mask = np.resize(np.append(np.arange(count), IGNORE).astype(np.uint8), (20, 20))
    found = np.asarray(opened(pictures.flat(mask, colors)).convert("RGB"))
    table = {i: tuple(bytes.fromhex(c[1:])) for i, c in enumerate(colors)} | {IGNORE: (255, 255, 255)}
    assert [tuple(p) for p in found.reshape(-1, 3).tolist()] == [table[int(i)] for i in mask.ravel()]


def test_large_pictures_are_shrunk_and_masks_get_no_new_colours() -> None:
    mask = np.random.default_rng(0).integers(0, 2, (300, 200)).astype(np.uint8)
    small = opened(pictures.flat(mask, ["#ff0000", "#0000ff"], 100))
    assert small.size == (67, 100)
    assert {c for _, c in small.convert("RGB").getcolors()} == {(255, 0, 0), (0, 0, 255)}
    assert opened(pictures.photo(np.zeros((300, 200, 3), np.uint8), 100)).size == (67, 100)


@pytest.mark.parametrize("encode", [pictures.photo, pictures.dense])
def test_photos_are_near_to_what_they_show(encode: object) -> None:
    shown = np.zeros((64, 64, 3), np.uint8)
    shown[:, 32:] = (200, 90, 30)
    found = np.asarray(opened(encode(shown)).convert("RGB")).astype(int)  # type: ignore[operator]
    assert abs(found - shown)[:, 8:24].max() < 12
    assert abs(found - shown)[:, 40:56].max() < 12


def test_the_colour_of_each_pixel_is_kept() -> None:
    """Single pixels of another hue do not bleed, as they would with colours at half the scale."""
    shown = np.full((16, 16, 3), (200, 30, 30), np.uint8)
    shown[::2] = (30, 30, 200)
    found = np.asarray(opened(pictures.photo(shown)).convert("RGB")).astype(int)
    assert abs(found - shown).mean() < 15


@pytest.mark.parametrize(
    ("photos", "masks", "side"), [(1, 1, 512), (100, 100, 213), (0, 0, 512), (10**6, 0, 48)]
)
def test_many_pictures_are_shown_smaller(photos: int, masks: int, side: int) -> None:
    assert pictures.side(photos, masks, 5e6) == side
