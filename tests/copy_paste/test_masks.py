from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landloom.copy_paste.masks import CutMasks
from landloom.raster import codec
from landloom.ratio_control.choice import Request, error
from tests import shards

ASKED = [Request(np.array(t), np.array(t), "", s) for s, t in enumerate(([0.6, 0.2, 0.2], [0.2, 0.2, 0.6]))]


@pytest.mark.parametrize("source", ["quilt", "paste"])
def test_masks_bring_an_image_that_shows_their_classes(tmp_path: Path, source: str) -> None:
    draw = CutMasks(shards.dataset(), shards.tiles(tmp_path, train=30), source)
    for drawn, request in zip(draw(ASKED, 0), ASKED, strict=True):
        assert error(drawn.mask, request.target) < 5
        assert drawn.image is not None
        colors = codec.decode(drawn.image).transpose(1, 2, 0)
        nearest = np.square(colors[:, :, None] - shards.COLORS).sum(-1).argmin(-1)
        assert (nearest == drawn.mask).mean() > 0.98
        assert sum(drawn.parts.values()) == pytest.approx(1)
        assert all(name.startswith("train") for name in drawn.parts)


def test_what_else_is_drawn_and_the_order_change_nothing(tmp_path: Path) -> None:
    draw = CutMasks(shards.dataset(), shards.tiles(tmp_path, train=30), "quilt")
    both, turned = draw(ASKED, 0), draw(ASKED[::-1], 0)[::-1]
    alone = [draw([r], 0)[0] for r in ASKED]
    for a, b, c in zip(both, turned, alone, strict=True):
        assert np.array_equal(a.mask, b.mask)
        assert a.image == b.image == c.image
    assert not np.array_equal(draw(ASKED[:1], 1)[0].mask, both[0].mask)  # another try
    assert not np.array_equal(draw([replace(ASKED[0], seed=7)], 0)[0].mask, both[0].mask)
