from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landloom.copy_paste.looks import Look, looks
from landloom.copy_paste.masks import CutMasks
from landloom.data import samples
from landloom.raster import codec
from landloom.ratio_control.choice import Request
from tests import shards


def test_a_look_is_the_mean_and_spread_of_bands_by_hand() -> None:
    image = np.array([[[0.0, 0.2]], [[-0.5, -0.5]]], np.float32)
    found = Look.of([image, image])
    assert found.mean == pytest.approx([0.1, -0.5])
    assert found.deviation == pytest.approx([0.1, 0])
    other = Look(np.array([0.4, 0.1]), np.array([0.2, 0.3]))
    # The second band is flat: it is moved, not stretched.
    assert found.given(image, other) == pytest.approx(np.array([[[0.2, 0.6]], [[0.1, 0.1]]]))
    assert found.given(image, found) == pytest.approx(image)
    assert found.given(image, Look(np.array([2.0, 0]), np.array([0.1, 0.1]))).max() <= 1


def scenes(folder: Path) -> list[Path]:
    """A labelled scene, a dark one without labels, and bright ones that are held out."""
    rng = np.random.default_rng(0)
    rows = [shards.sample(f"t{i}", rng, scene="day") for i in range(6)]
    dark = codec.encode((shards.image(shards.mask(rng), rng) // 8).astype(np.uint8))
    rows += [
        replace(rows[0], id=f"u{i}", scene="night", split="unlabelled", mask=None, image=dark) for i in (0, 1)
    ]
    white = codec.encode(np.full((3, 32, 32), 255, np.uint8))
    rows += [replace(rows[0], id=s, scene=s, split=s, image=white) for s in ("val", "test")]
    samples.write(folder / "t.parquet", rows)
    return [folder / "t.parquet"]


def test_scenes_without_labels_have_a_look_and_held_out_ones_have_none(tmp_path: Path) -> None:
    found = looks(shards.dataset(), scenes(tmp_path))
    assert set(found) == {"day", "night"}
    assert found["night"].mean.mean() < found["day"].mean.mean() - 0.3


def test_pairs_take_on_the_look_of_a_scene_without_labels(tmp_path: Path) -> None:
    tiles = scenes(tmp_path)
    target = np.array([0.3, 0.3, 0.4])
    asked = [Request(target, target, "", s) for s in range(8)]
    own, any_ = (CutMasks(shards.dataset(), tiles, "quilt", others)(asked, 0) for others in (False, True))
    bright = [[codec.decode(d.image or b"").mean() for d in found] for found in (own, any_)]
    assert all(np.array_equal(a.mask, b.mask) for a, b in zip(own, any_, strict=True))
    dark = [b < a / 2 for a, b in zip(*bright, strict=True)]
    assert 0 < sum(dark) < 8  # some look like the night, some like the day
    again = CutMasks(shards.dataset(), tiles, "quilt", True)(asked[:1], 0)
    assert again[0].image == any_[0].image
