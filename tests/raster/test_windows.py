from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from landloom.config.data import Split
from landloom.config.tile import TileConfig
from landloom.errors import InputError
from landloom.raster.windows import Window, areas, blocks, tiles, windows

SIZE = 16
length = st.integers(1, 120)


def cover(shape: tuple[int, int], found: list[Window]) -> NDArray[np.int64]:
    """How many windows cover each pixel."""
    count = np.zeros(shape, np.int64)
    for w in found:
        count[w.row : w.row + w.height, w.col : w.col + w.width] += 1
    return count


def test_last_window_ends_at_the_edge() -> None:
    found = windows(Window(0, 0, 16, 40), 16, 16)
    assert [(w.row, w.col) for w in found] == [(0, 0), (0, 16), (0, 24)]


def test_small_areas_have_no_window_unless_padded() -> None:
    assert windows(Window(0, 0, 10, 40), 16, 16) == []
    assert windows(Window(0, 0, 10, 16), 16, 16, pad=True) == [Window(0, 0, 16, 16)]


@given(st.integers(SIZE, 100), st.integers(SIZE, 100), st.integers(1, SIZE))
def test_windows_cover_every_pixel_and_stay_inside(height: int, width: int, stride: int) -> None:
    found = windows(Window(0, 0, height, width), SIZE, stride)
    assert cover((height, width), found).min() >= 1
    assert all(w.row + SIZE <= height and w.col + SIZE <= width for w in found)
    assert len(set(found)) == len(found)


@given(length, length, st.integers(SIZE, 64))
def test_blocks_cover_every_pixel_once(height: int, width: int, side: int) -> None:
    assert (cover((height, width), blocks(height, width, side, SIZE)) == 1).all()


@given(length, length, st.integers(SIZE, 48), st.integers(1, SIZE), st.integers(0, 3))
def test_no_window_crosses_a_block_and_splits_share_no_pixel(
    height: int, width: int, side: int, stride: int, seed: int
) -> None:
    split = Split(by="block", val=0.2, test=0.3, block=side, seed=seed)
    places = areas("a", height, width, "block", split, SIZE)
    found = tiles(places, TileConfig(size=SIZE, stride=stride))
    for _, w in found:
        inside = [b for _, b in places if b.row <= w.row and b.col <= w.col]
        low, right = min(w.row + SIZE, height), min(w.col + SIZE, width)
        assert any(low <= b.row + b.height and right <= b.col + b.width for b in inside)
    covers = [
        cover((height, width), [w for s, w in found if s == split]) > 0 for split in ("train", "val", "test")
    ]
    assert np.sum(covers, axis=0).max(initial=0) <= 1
    for label, b in places:
        assert (
            label == "train"
            or covers[("train", "val", "test").index(label)][
                b.row : b.row + b.height, b.col : b.col + b.width
            ].all()
        )


def test_ragged_blocks_join_their_neighbour_when_too_small_for_a_tile() -> None:
    assert blocks(32, 32 + 15, 32, SIZE) == [Window(0, 0, 32, 47)]
    assert blocks(32, 32 + 16, 32, SIZE) == [Window(0, 0, 32, 32), Window(0, 32, 32, 16)]


def test_shares_are_exact_over_blocks() -> None:
    found = [
        s for s, _ in areas("a", 320, 320, "block", Split(by="block", val=0.15, test=0.2, block=32), SIZE)
    ]
    assert [found.count(s) for s in ("train", "val", "test")] == [65, 15, 20]


def test_only_train_windows_overlap() -> None:
    config = TileConfig(size=16, stride=8)
    found = [
        label
        for label, _ in tiles([("train", Window(0, 0, 16, 32)), ("test", Window(16, 0, 16, 32))], config)
    ]
    assert (found.count("train"), found.count("test")) == (3, 2)


def test_no_training_window_lies_within_the_buffer_of_a_held_out_block() -> None:
    areas = [
        ("train", Window(0, 0, 64, 64)),
        ("test", Window(0, 64, 64, 64)),
        ("train", Window(64, 0, 64, 128)),
    ]
    config = TileConfig(size=16)

    def count(buffer: int) -> Counter[str]:
        return Counter(label for label, _ in tiles(areas, config, buffer))

    assert count(0) == {"train": 48, "test": 16}
    # One pixel: the column of windows left of the block, and those below it with the one at its corner.
    assert count(1) == count(16) == {"train": 48 - 4 - 5, "test": 16}
    assert count(17) == {"train": 48 - 8 - 12, "test": 16}


def test_a_block_that_holds_no_tile_is_an_error() -> None:
    with pytest.raises(InputError, match=r"data.split.block: a block of 32 pixels.*Use 64 or more"):
        blocks(100, 100, 32, 64)


def test_some_train_blocks_lose_their_labels_and_no_other_changes() -> None:
    def labels(share: float) -> list[str]:
        split = Split(by="block", val=0.15, test=0.2, block=32, labelled=share)
        return [s for s, _ in areas("a", 320, 320, "block", split, SIZE)]

    whole, half, tenth = labels(1.0), labels(0.5), labels(0.1)
    assert Counter(half) == {"train": 33, "unlabelled": 32, "val": 15, "test": 20}  # 32.5 is rounded up
    assert tenth.count("train") == 7
    for a, b, c in zip(whole, half, tenth, strict=True):
        assert (b == a) or (a, b) == ("train", "unlabelled")
        assert c != "train" or b == "train"


def test_unlabelled_windows_are_cut_as_training_windows_are() -> None:
    found = [("unlabelled", Window(0, 0, 32, 32)), ("test", Window(0, 32, 32, 32))]
    cut = tiles(found, TileConfig(size=16, stride=8), buffer=1)
    labelled = tiles([("train", found[0][1]), found[1]], TileConfig(size=16, stride=8), buffer=1)
    assert [(s.replace("unlabelled", "train"), w) for s, w in cut] == labelled
    # Train windows keep no distance to unlabelled ones.
    both = [("train", Window(0, 0, 32, 32)), ("unlabelled", Window(0, 32, 32, 32))]
    assert Counter(s for s, _ in tiles(both, TileConfig(size=16), 8)) == {"train": 4, "unlabelled": 4}


@given(length, length, st.integers(SIZE, 100), st.sampled_from([2, 3, 4]), st.integers(0, 3), st.booleans())
def test_coarse_windows_lie_within_blocks_of_their_split(
    height: int, width: int, side: int, scale: int, seed: int, pad: bool
) -> None:
    """No pixel below a coarse tile is in a tile of another split, whatever the scales of both."""
    split = Split(by="block", val=0.3, test=0.3, block=side, seed=seed)
    places = areas("a", height, width, "block", split, SIZE)
    whole = cover((height, width), [b for _, b in places])
    of = np.full((height, width), -1)
    for label, b in places:
        of[b.row : b.row + b.height, b.col : b.col + b.width] = ("train", "val", "test").index(label)
    assert whole.min() == 1
    for label, w in tiles(places, TileConfig(size=SIZE, stride=SIZE // 2, pad=pad), scale=scale):
        below = of[w.row : w.row + w.height, w.col : w.col + w.width]
        assert (w.height, w.width, w.row % scale, w.col % scale) == (SIZE * scale, SIZE * scale, 0, 0)
        assert (below == ("train", "val", "test").index(label)).all()
        # Only a scene that is one block may be padded.
        assert below.shape == (w.height, w.width) or (pad and len(places) == 1)


@given(st.integers(1, 200), st.integers(1, 200), st.sampled_from([1, 2, 4]))
def test_coarse_windows_hold_all_of_a_scene_but_a_rest_of_its_blocks(
    height: int, width: int, scale: int
) -> None:
    found = tiles([("train", Window(0, 0, height, width))], TileConfig(size=SIZE, stride=8), scale=scale)
    down, across = height // scale * scale, width // scale * scale
    if min(down, across) < SIZE * scale:
        assert not found
    else:
        assert cover((down, across), [w for _, w in found]).min() >= 1
        assert all(w.row + w.height <= down and w.col + w.width <= across for _, w in found)


def test_strides_grow_with_the_scale_and_buffers_do_not() -> None:
    places = [("train", Window(0, 0, 64, 128)), ("test", Window(0, 128, 64, 64))]
    config = TileConfig(size=16, stride=8)
    found = tiles(places, config, scale=2)
    assert {w.row for s, w in found if s == "train"} == {0, 16, 32}
    assert [(w.row, w.col) for s, w in found if s == "test"] == [(0, 128), (0, 160), (32, 128), (32, 160)]
    kept = tiles(places, config, buffer=1, scale=2)
    assert max(w.col + w.width for s, w in kept if s == "train") == 112


def test_a_scene_too_small_for_a_coarse_tile_has_none_unless_padded() -> None:
    for label in ("train", "test"):
        place = [(label, Window(0, 0, 30, 64))]
        assert tiles(place, TileConfig(size=16), scale=2) == []
        padded = tiles(place, TileConfig(size=16, pad=True), scale=2)
        assert padded == [(label, Window(0, c, 32, 32)) for c in (0, 32)]
