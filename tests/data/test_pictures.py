"""Pictures out of shards: the same ones, however many are held."""

from pathlib import Path

import numpy as np
import pytest
import torch

from landloom.data import held_tiles, pictures, samples
from landloom.data.samples import ShardReader
from landloom.errors import InputError
from landloom.raster.palette import paint
from tests import shards

ROWS = torch.tensor([7, 0, 3, 3])


@pytest.mark.parametrize("tiles", [1, 3, 100])
def test_pictures_are_the_same_however_many_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiles: int
) -> None:
    paths, statistics = shards.tiles(tmp_path), shards.dataset()
    monkeypatch.setattr(held_tiles, "HELD_BYTES", held_tiles.tile_bytes(tiles, 3, shards.SIDE, "float16"))
    found = pictures.load(statistics, paths, [])
    read = list(samples.read(paths, "train"))
    assert found.ids == [s.id for s in read]
    assert found.ratios.tolist() == [pytest.approx(s.ratios) for s in read]
    chosen = [read[i] for i in ROWS]
    for _ in range(2):
        images = np.stack([statistics.scale(s.image_array()) for s in chosen])
        assert torch.equal(found.images[ROWS], torch.from_numpy(images).half())
        masks = torch.from_numpy(np.stack([s.mask_array() for s in chosen]))
        assert torch.equal(found.labels[ROWS], masks)
        assert torch.equal(pictures.masks(statistics, paths)[ROWS], masks)
        found.images.prefetch(ROWS.flip(0))  # type: ignore[attr-defined]
    assert len(found.images.tiles.held) == min(tiles, 8)  # type: ignore[attr-defined]
    assert tuple(found.images.shape) == (8, 3, shards.SIDE, shards.SIDE)


def test_masks_are_painted_when_they_are_asked_for(tmp_path: Path) -> None:
    found = pictures.load(shards.dataset(), shards.tiles(tmp_path), [])
    palette = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    painted = found.painted(palette)
    assert tuple(painted.shape) == (8, 4, shards.SIDE, shards.SIDE)
    painted.prefetch(ROWS)
    wanted = torch.from_numpy(paint(found.labels[ROWS].numpy(), palette)).half()
    assert torch.equal(painted[ROWS], wanted)


def test_for_masks_no_image_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, plain = set(), ShardReader.rows
    monkeypatch.setattr(
        ShardReader, "rows", lambda self, rows, names=(): seen.update(names) or plain(self, rows, names)
    )
    pictures.masks(shards.dataset(), shards.tiles(tmp_path))
    assert seen == {"id", "mask"}


def test_masks_of_another_size_or_none_are_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train0: the mask is \(32, 32\), not \(64, 64\)"):
        pictures.masks(shards.dataset(64), shards.tiles(tmp_path))
    with pytest.raises(InputError, match="no samples"):
        pictures.masks(shards.dataset(), shards.tiles(tmp_path)[1:])


def test_there_may_be_no_pictures(tmp_path: Path) -> None:
    found = pictures.load(shards.dataset(), shards.tiles(tmp_path)[1:], [])
    assert (found.ids, len(found.images), len(found.labels), len(found.ratios)) == ([], 0, 0, 0)
