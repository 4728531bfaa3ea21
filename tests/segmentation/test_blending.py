import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from landloom.data import samples
from landloom.data.samples import Sample
from landloom.data.statistics import ClassInfo, Statistics
from landloom.raster import codec
from landloom.raster.windows import Window
from landloom.raster.windows import windows as cut
from landloom.segmentation import blending, predict
from landloom.segmentation.judgement import Judgement
from tests import shards

SIZE = 4


class Left(nn.Module):
    """Is sure of the first class in the left half of what it sees, and of the second in the right one."""

    def forward(self, images: Tensor) -> Tensor:
        left = torch.arange(images.shape[3]) < images.shape[3] // 2
        return 1e4 * torch.stack([left, ~left]).float()[None, :, None].expand(
            len(images), 2, *images.shape[2:]
        )


class Looks(nn.Module):
    """Finds something else in each image, and at each place in it."""

    def forward(self, images: Tensor) -> Tensor:
        bent = torch.linspace(-2, 1, images.shape[3]) * torch.linspace(0, 3, images.shape[2])[:, None]
        return torch.stack([bent * images[:, 0], images.mean((1, 2, 3))[:, None, None] - bent], 1)


def dataset(size: int = SIZE, classes: int = 2) -> Statistics:
    named = [ClassInfo(name=str(i), color=f"#{i:06x}") for i in range(classes)]
    return shards.dataset(size).model_copy(update={"classes": named})


def tiles(image: NDArray[np.uint8], size: int, left_out: frozenset[int] = frozenset()) -> Iterator[Sample]:
    """Test tiles of an image (3, H, W) but for some; all of the first class."""
    for i, w in enumerate(cut(Window(0, 0, *image.shape[1:]), size, size)):
        part = np.ascontiguousarray(image[:, w.row : w.row + size, w.col : w.col + size])
        mask = codec.encode(np.zeros((size, size), np.uint8))
        split = "train" if i in left_out else "test"
        yield Sample(str(i), mask, codec.encode(part), scene="a", row=w.row, col=w.col, split=split)


def whole(found: predict.Found, shape: tuple[int, int], size: int) -> NDArray[np.float32]:
    """Probabilities (2, H, W) of a scene; NaN where no tile lies."""
    result = np.full((2, *shape), np.nan, np.float32)
    for sample, probabilities in found:
        result[:, sample.row : sample.row + size, sample.col : sample.col + size] = probabilities
    return result


def by_hand(image: NDArray[np.uint8], model: nn.Module, size: int) -> NDArray[np.float32]:
    """Probabilities of a scene of which all windows and sums are held at once."""
    starts = []
    for length in image.shape[1:]:
        own = [*range(0, length - size, size), length - size]
        starts.append(sorted({*own, *((a + b) // 2 for a, b in pairwise(own))}))
    total = np.zeros((2, *image.shape[1:]))
    for row in starts[0]:
        for col in starts[1]:
            place = slice(row, row + size), slice(col, col + size)
            seen = [(0, image[:, *place])]
            ((_, found),) = predict.over(model, dataset(size), seen)
            total[:, *place] += found * blending.weights(size)
    return (total / total.sum(0)).astype(np.float32)


def test_weights_of_windows_half_a_size_apart_add_up_to_one() -> None:
    wave = blending.weights(8)
    assert wave.min() > 0
    np.testing.assert_allclose(wave, wave.T)
    np.testing.assert_allclose((wave[:4] + wave[4:]) / wave.sum(0) * 4, 1, rtol=1e-6)


def test_two_tiles_by_hand(tmp_path: Path) -> None:
    """Windows at columns 0, 2 and 4; a window of four pixels weighs them 0.146, 0.854, 0.854 and 0.146."""
    samples.write(tmp_path / "t", tiles(np.zeros((3, 4, 8), np.uint8), SIZE))
    found = whole(blending.blended(Left(), dataset(), [tmp_path / "t"], "test"), (4, 8), SIZE)
    small, large = np.sin(np.pi / 8) ** 2, np.sin(3 * np.pi / 8) ** 2
    expected = np.tile([1, 1, small, large, small, large, 0, 0], (4, 1))
    np.testing.assert_allclose(found, [expected, 1 - expected], atol=1e-6)


def test_windows_lie_between_tiles_that_are_there() -> None:
    found = blending.windows([(0, 0), (0, 4), (4, 0), (12, 0)], 4)
    assert found == {
        (0, 0): [(0, 0)], (0, 2): [(0, 0), (0, 4)], (0, 4): [(0, 4)],
        (2, 0): [(0, 0), (4, 0)], (4, 0): [(4, 0)], (12, 0): [(12, 0)],
    }  # fmt: skip
    assert list(found) == sorted(found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.integers(8, 40), st.integers(8, 40), st.integers(0, 9), st.sampled_from([1, 10**9]))
def test_any_scene_is_blended_as_if_it_were_in_memory(
    tmp_path: Path, height: int, width: int, seed: int, held: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 255, (3, height, width)).astype(np.uint8)
    samples.write(tmp_path / "t", tiles(image, 8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blending, "BLENDED_BYTES", held)
        found = list(blending.blended(Looks(), dataset(8), [tmp_path / "t"], "test"))
    np.testing.assert_allclose(whole(iter(found), (height, width), 8), by_hand(image, Looks(), 8), atol=1e-5)
    assert len({s.id for s, _ in found}) == len(found) == len(samples.rows([tmp_path / "t"], "test"))
    assert np.sum(Judgement.of(iter(found), 2).confusions) == height * width


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(st.frozensets(st.integers(0, 24), max_size=24), st.sampled_from([1, 10**9]))
def test_areas_of_other_splits_are_neither_scored_nor_seen(
    tmp_path: Path, left_out: frozenset[int], held: int
) -> None:
    image = np.random.default_rng(0).integers(0, 255, (3, 40, 40)).astype(np.uint8)
    other = image.copy()
    for i in left_out:
        other[:, i // 5 * 8 :, i % 5 * 8 :][:, :8, :8] = 0
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blending, "BLENDED_BYTES", held)
        for one in (image, other):
            samples.write(tmp_path / "t", tiles(one, 8, left_out))
            pairs = blending.blended(Looks(), dataset(8), [tmp_path / "t"], "test")
            found.append(whole(pairs, (40, 40), 8))
    np.testing.assert_array_equal(*found)
    assert np.isfinite(found[0][0]).sum() == 64 * (25 - len(left_out))


@pytest.mark.parametrize(("height", "width"), [(4096, 512), (512, 4096), (2048, 2048)])
def test_memory_does_not_grow_with_a_scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, height: int, width: int
) -> None:
    """Six classes: the sums of the whole scene alone would take 117 MB, or 59 MB of the long ones.

    Beside what is held there is one batch of images and probabilities.
    """
    samples.write(tmp_path / "t", tiles(np.zeros((3, height, width), np.uint8), 128))
    monkeypatch.setattr(blending, "BLENDED_BYTES", 4 * 10**6)
    model = nn.Conv2d(3, 6, 1)
    tracemalloc.start()
    pixels = np.int64(0)
    for _, found in blending.blended(model, dataset(128, 6), [tmp_path / "t"], "test"):
        pixels += found.shape[1] * found.shape[2]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pixels == height * width
    assert peak < 16 * 10**6
