from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from landloom.diffusion import cache
from landloom.errors import InputError
from tests import bases


def write(path: Path, count: int) -> Path:
    bases.cache(count).save(path)
    return path


def test_a_cache_comes_back(tmp_path: Path) -> None:
    made, found = bases.cache(), cache.load([write(tmp_path / "a.safetensors", 4)])
    assert found.ids == made.ids
    for name, tensor in vars(made).items():
        if name != "ids":
            assert torch.equal(getattr(found, name), tensor), name
    assert set(load_file(tmp_path / "a.safetensors")) == set(vars(made)) - {"ids"}


def test_joined_scenes_keep_their_texts(tmp_path: Path) -> None:
    counts = {"a": 2, "b": 0, "c": 3}  # a scene without train tiles is left out
    found = cache.load([write(tmp_path / f"{n}.safetensors", c) for n, c in counts.items()])
    assert found.ids == ["t0", "t1", "t0", "t1", "t2"]
    assert (len(found.text), found.captions.tolist()) == (6, [1, 1, 4, 4, 4])
    assert found.prompts.tolist() == [2, 2, 5, 5, 5]
    assert torch.equal(found.text[found.prompts[4]], bases.cache(3).text[2])


def test_no_tile_at_all_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no training tile was encoded"):
        cache.load([write(tmp_path / "a.safetensors", 0)])
