import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from landloom.data import held_tiles
from landloom.data.tensor_rows import Rows, Streamed
from landloom.data.tensor_table import FileRows
from landloom.diffusion import latent_cache
from landloom.diffusion.latent_cache import FIXED
from landloom.errors import InputError
from tests import bases


def write(path: Path, count: int) -> Path:
    return bases.store(bases.cache(count), path)


def whole(rows: Rows) -> Tensor:
    return rows[torch.arange(len(rows))]


@pytest.fixture(params=[10**9, 20_000, 1])
def bound(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Bytes that may be held: of everything, of the smaller tensors, of nothing but a row of each."""
    monkeypatch.setattr(held_tiles, "HELD_BYTES", request.param)
    return int(request.param)


def test_a_cache_comes_back(tmp_path: Path, bound: int) -> None:
    made, found = bases.cache(), latent_cache.load([write(tmp_path / "a.safetensors", 4)])
    assert found.ids == made.ids
    rows, variants = torch.tensor([3, 0, 3]), torch.tensor([1, 0, 1])
    for name in FIXED:
        own, same = getattr(found, name), getattr(made, name)
        assert (tuple(own.shape), len(own)) == (tuple(same.shape), len(same))
        if name in ("images", "masks"):
            assert torch.equal(own[rows, variants], same[rows, variants]), name
        else:
            assert torch.equal(whole(own), same), name
    assert isinstance(found.images, Tensor) == (bound == 10**9)
    assert isinstance(found.labels, Tensor) == (bound > 1)


def test_what_conditions_keep_is_a_column_of_their_name(tmp_path: Path) -> None:
    paths = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for number, path in enumerate(paths):
        made = bases.cache(2)
        made.more = {"sun": torch.full((2, 3), float(number))}
        bases.store(made, path)
    found = latent_cache.load(paths)
    assert whole(found.columns["sun"]).tolist() == [[0.0] * 3] * 2 + [[1.0] * 3] * 2


def test_joined_scenes_keep_their_texts(tmp_path: Path, bound: int) -> None:
    counts = {"a": 2, "b": 0, "c": 3}  # a scene without train tiles is left out
    found = latent_cache.load([write(tmp_path / f"{n}.safetensors", c) for n, c in counts.items()])
    assert found.ids == ["t0", "t1", "t0", "t1", "t2"]
    assert (len(found.text), whole(found.captions).tolist()) == (6, [1, 1, 4, 4, 4])
    assert whole(found.prompts).tolist() == [2, 2, 5, 5, 5]
    assert torch.equal(found.text[5], bases.cache(3).text[2])


def test_each_scale_is_seen_as_often(tmp_path: Path, bound: int) -> None:
    """Four tiles of scale 1, two of 2 and one of 4, in two scenes."""
    paths = {"a": 3, "b": 1, "a~x2": 2, "a~x4": 1}
    for name, count in paths.items():
        made = bases.cache(count)
        made.ids = [f"{name}_{i}" for i in range(count)]
        made.images = made.images + 100 * len(name)
        about = {"scale": name[-1]} if "~" in name else {}
        bases.store(made, tmp_path / name, about)
    found = latent_cache.load([tmp_path / n for n in paths])
    assert found.ids == [
        "a_0", "a_1", "a_2", "b_0", *["a~x2_0", "a~x2_1"] * 2, *["a~x4_0"] * 4,
    ]  # fmt: skip
    assert all(len(rows) == 12 for rows in (found.images, found.masks, *found.columns.values()))
    assert len(found.text) == len(latent_cache.load([tmp_path / "a"]).text) * 4
    rows, variants = torch.tensor([5, 7, 11]), torch.tensor([1, 1, 0])
    two, four = bases.cache(2), bases.cache(1)
    wanted = torch.stack([two.images[1, 1], two.images[1, 1], four.images[0, 0]]) + 400
    assert torch.equal(found.images[rows, variants], wanted)
    assert torch.equal(found.ratios[rows], torch.stack([two.ratios[1], two.ratios[1], four.ratios[0]]))
    # Rows of texts count from those of the files before, also where a tile stands there again.
    assert torch.equal(found.text[found.captions[rows]], torch.stack(
        [two.text[two.captions[1]], two.text[two.captions[1]], four.text[four.captions[0]]]
    ))  # fmt: skip


def test_tiles_of_one_scale_are_not_repeated(tmp_path: Path) -> None:
    for name in "ab":
        bases.store(bases.cache(2 if name == "a" else 3), tmp_path / name, {"scale": "2"})
    assert len(latent_cache.load([tmp_path / n for n in "ab"]).ids) == 5


def test_latents_that_are_not_asked_for_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.safetensors", 4)
    monkeypatch.setattr(held_tiles, "HELD_BYTES", path.stat().st_size * 2 // 3)  # one of both fits
    both = latent_cache.load([path])
    assert isinstance(both.images, Streamed) != isinstance(both.masks, Streamed)
    for name, other in (("images", "masks"), ("masks", "images")):
        found = latent_cache.load([path], [name])
        assert torch.equal(getattr(found, name), getattr(bases.cache(), name))
        assert not len(getattr(found, other))


def test_further_tensors_are_columns(tmp_path: Path, bound: int) -> None:
    own = torch.arange(12.0).view(4, 3)
    paths = []
    for name in "ab":
        made = bases.cache()
        made.more = {"metadata": own if name == "a" else -own}
        paths.append(bases.store(made, tmp_path / name))
    columns = latent_cache.load(paths).columns
    assert set(columns) == {"caption", "prompt", "ratios", "mask", "metadata"}
    assert torch.equal(whole(columns["metadata"]), torch.cat([own, -own]))
    with pytest.raises(InputError, match="'metadata' is not in all caches"):
        latent_cache.load([*paths, write(tmp_path / "c", 4)])


def test_a_large_cache_is_read_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mapped pages would count: rows must be read another way."""
    side, count = 64, 40
    paths = [tmp_path / f"{i}.safetensors" for i in range(6)]
    for path in paths:
        small = bases.cache(1)
        small.images, small.masks = torch.randn(2, count, 8, 4, side, side)
        small.labels, small.ids = torch.zeros(count, side, side, dtype=torch.uint8), ["t"] * count
        small.captions, small.prompts = torch.zeros(2, count, dtype=torch.long)
        small.ratios = torch.zeros(count, 3)
        bases.store(small, path)
    code = """
import sys, torch
from pathlib import Path
from landloom.data import held_tiles
from landloom.diffusion import latent_cache
held_tiles.HELD_BYTES = 20_000_000
peak = lambda: 1024 * int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])
before = peak()
data = latent_cache.load([Path(p) for p in sys.argv[1:]])
for start in range(0, len(data.images), 8):
    rows = torch.arange(start, start + 8)
    data.images[rows, rows % 8], data.masks[rows, rows % 8], data.labels[rows]
print(peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", code, *map(str, paths)], capture_output=True, check=True)
    assert sum(p.stat().st_size for p in paths) > 250_000_000
    assert int(done.stdout) < 40_000_000


def test_the_next_variants_are_read_ahead_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_tiles, "HELD_BYTES", 50_000)
    found, read = latent_cache.load([write(tmp_path / "a", 4)], ["images"]), list[int]()
    plain = FileRows._read

    def seen(self: FileRows, indices: list[int]) -> Iterator[tuple[int, Tensor]]:
        read.extend(indices)
        yield from plain(self, indices)

    monkeypatch.setattr(FileRows, "_read", seen)
    assert isinstance(found.images, Streamed)
    key = (torch.tensor([2, 1]), torch.tensor([0, 1]))
    found.images.prefetch(key)
    found.images[key]
    assert read == [4, 3]


def test_no_tile_at_all_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no training tile was encoded"):
        latent_cache.load([write(tmp_path / "a.safetensors", 0)])
