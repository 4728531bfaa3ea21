from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from landloom.config.tile import TileConfig
from landloom.data import samples
from landloom.data.samples import Sample
from landloom.raster import codec
from landloom.raster.labels import IGNORE
from landloom.raster.windows import Window, windows
from landloom.segmentation.blending import blended
from landloom.segmentation.overlaps import Overlaps
from landloom.stages import segment, tile
from tests import rasters, shards

SIZE = 16


class First(nn.Module):
    """Finds the first class everywhere."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(len(images), 2, *images.shape[2:])


def at(row: int, col: int, scene: str = "a", size: int = SIZE) -> Sample:
    return Sample(
        f"{scene}_{row}_{col}", codec.encode(np.zeros((size, size), np.uint8)), scene=scene, row=row, col=col
    )


def counted(found: list[Sample]) -> list[int]:
    """Pixels that each sample adds to the count."""
    seen = Overlaps()
    return [int((seen.uncounted(s) != IGNORE).sum()) for s in found]


def judged(
    folder: Path, shape: tuple[int, int], label: str, config: TileConfig, **data: Any
) -> dict[str, np.ndarray]:
    """Confusion on val and test of a network that finds the first class in a scene cut by the stage tile."""
    scene = rasters.pair(folder, rasters.noise(*shape), rasters.halves(*shape))
    out = folder / "tiles.parquet"
    tile.run(config, rasters.config(**data), [scene.name], [label], list(scene.images), [scene.mask], out)
    statistics = shards.dataset(config.size).model_copy(update={"classes": shards.dataset().classes[:2]})
    found = {s: blended(First(), statistics, [out], s) for s in ("val", "test")}
    return {s: np.sum(one.confusions, 0) for s, one in segment.judged(found, statistics).items()}


def test_a_window_moved_back_adds_only_its_new_pixels() -> None:
    found = [at(0, 0), at(0, 10), at(4, 0), at(4, 10), at(0, 0, "b")]
    assert counted(found) == [256, 16 * 10, 4 * 16, 4 * 10, 256]


def test_ignored_pixels_stay_ignored() -> None:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[0] = IGNORE
    sample = Sample("a", codec.encode(mask))
    assert np.array_equal(Overlaps().uncounted(sample), mask)


@given(st.integers(SIZE, 80), st.integers(SIZE, 80), st.integers(4, SIZE), st.randoms())
def test_every_pixel_counts_once_in_any_order(height: int, width: int, stride: int, order: Any) -> None:
    found = [at(w.row, w.col) for w in windows(Window(0, 0, height, width), SIZE, stride)]
    order.shuffle(found)
    assert sum(counted(found)) == height * width


def test_a_scene_of_600_px_at_tiles_of_512(tmp_path: Path) -> None:
    found = judged(tmp_path, (600, 600), "test", TileConfig(size=512))["test"]
    assert found.tolist() == [[180_000, 0], [180_000, 0]]


def test_blocks_of_a_scene_count_once(tmp_path: Path) -> None:
    split = {"by": "block", "block": 32, "val": 0.25, "test": 0.25}
    config = TileConfig(size=24)  # four blocks, of 32 and 48 px
    found = judged(tmp_path, (80, 80), "block", config, split=split)
    cut = list(samples.read(tmp_path / "tiles.parquet"))
    for name, matrix in found.items():
        pixels = {
            (s.row + i, s.col + j) for s in cut if s.split == name for i in range(24) for j in range(24)
        }
        assert matrix.sum() == len(pixels) < 576 * sum(s.split == name for s in cut)


def test_padding_does_not_count(tmp_path: Path) -> None:
    found = judged(tmp_path, (10, 40), "val", TileConfig(size=32, pad=True))["val"]
    assert found.sum() == 400


@pytest.mark.parametrize(("split", "kept"), [("train", [16]), ("val", [0, 16]), ("test", [0, 16])])
def test_only_train_windows_need_enough_labels(tmp_path: Path, split: str, kept: list[int]) -> None:
    mask = rasters.halves(16, 48)
    mask[:, :15], mask[:, 32:] = 9, 9
    data = rasters.config(ignore=[9])
    scene = rasters.pair(tmp_path, rasters.noise(16, 48), mask)
    out = tmp_path / "tiles.parquet"
    tile.run(TileConfig(size=16), data, [scene.name], [split], list(scene.images), [scene.mask], out)
    assert [s.col for s in samples.read(out)] == kept
