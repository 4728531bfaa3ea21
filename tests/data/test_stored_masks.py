from pathlib import Path

import numpy as np
import pytest

from landloom.data import samples
from landloom.data.samples import Sample
from landloom.data.stored_masks import StoredMasks
from tests import shards


def test_masks_are_decoded_one_by_one_and_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, decoded, plain = shards.tiles(tmp_path), list[str](), Sample.mask_array
    wanted = {s.id: s.mask_array() for s in samples.read(paths)}
    monkeypatch.setattr(Sample, "mask_array", lambda self: decoded.append(self.id) or plain(self))
    masks = StoredMasks(paths, [1, 5, 9])
    assert (len(masks), decoded) == (3, [])
    for _ in range(2):
        for mask in masks:
            assert np.array_equal(mask, wanted[decoded[-1]])
    assert decoded == ["train1", "train5", "val1"] * 2
    assert wanted["train5"] in masks
    assert not StoredMasks(paths, [])
