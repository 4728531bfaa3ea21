from pathlib import Path

import pytest
import torch

from landloom.errors import InputError
from landloom.metrics import known
from landloom.metrics.known import Known


def test_shards_are_joined_and_asked_by_name(tmp_path: Path) -> None:
    a, none, b = (tmp_path / n for n in ("a", "none", "b"))
    Known(torch.tensor([[1.0], [2.0]]), ["x", "y"]).save(a)
    Known(torch.empty(0, 1), []).save(none)
    Known(torch.tensor([[3.0]]), ["z"]).save(b)
    found = known.load([a, none, b])
    assert found.of(["z", "x"], tmp_path).tolist() == [[3.0], [1.0]]
    with pytest.raises(InputError, match="no features of 1 tiles such as w"):
        found.of(["x", "w"], tmp_path)


def test_no_train_tiles_at_all(tmp_path: Path) -> None:
    Known(torch.empty(0, 1), []).save(tmp_path / "none")
    assert known.load([tmp_path / "none"]).of([], tmp_path).shape == (0, 1)
