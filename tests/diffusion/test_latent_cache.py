import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from landloom.diffusion import latent_cache
from landloom.errors import InputError
from landloom.orchestration import resources
from tests import bases


def write(path: Path, count: int) -> Path:
    bases.cache(count).save(path)
    return path


def test_a_cache_comes_back(tmp_path: Path) -> None:
    made, found = bases.cache(), latent_cache.load([write(tmp_path / "a.safetensors", 4)])
    assert found.ids == made.ids
    for name, tensor in vars(made).items():
        if name != "ids":
            assert torch.equal(getattr(found, name), tensor), name
    assert set(load_file(tmp_path / "a.safetensors")) == set(vars(made)) - {"ids"}


def test_joined_scenes_keep_their_texts(tmp_path: Path) -> None:
    counts = {"a": 2, "b": 0, "c": 3}  # a scene without train tiles is left out
    found = latent_cache.load([write(tmp_path / f"{n}.safetensors", c) for n, c in counts.items()])
    assert found.ids == ["t0", "t1", "t0", "t1", "t2"]
    assert (len(found.text), found.captions.tolist()) == (6, [1, 1, 4, 4, 4])
    assert found.prompts.tolist() == [2, 2, 5, 5, 5]
    assert torch.equal(found.text[found.prompts[4]], bases.cache(3).text[2])


def test_joining_holds_the_whole_and_one_part(tmp_path: Path) -> None:
    """Both at once would be killed for memory on a data set that fits."""
    side, count = 64, 40
    paths = [tmp_path / f"{i}.safetensors" for i in range(6)]
    for path in paths:
        small = bases.cache(1)
        small.images, small.masks = torch.randn(2, count, 8, 4, side, side)
        small.labels, small.ids = torch.zeros(count, side, side, dtype=torch.uint8), ["t"] * count
        small.save(path)
    part = 2 * resources.latent_bytes(count, 4, side, 8, 4)
    code = "import sys; from pathlib import Path; from landloom.diffusion import latent_cache as cache\n"
    code += "text = lambda: Path('/proc/self/status').read_text()\n"
    code += "peak = lambda: 1024 * int(text().split('VmHWM:')[1].split()[0])\n"
    code += "before = peak(); cache.load([Path(p) for p in sys.argv[1:]]); print(peak() - before)"
    done = subprocess.run([sys.executable, "-c", code, *map(str, paths)], capture_output=True, check=True)
    assert int(done.stdout) < (len(paths) + 2.5) * part


def test_no_tile_at_all_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no training tile was encoded"):
        latent_cache.load([write(tmp_path / "a.safetensors", 0)])
