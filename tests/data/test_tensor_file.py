from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from landloom.data.tensor_file import Kind, Writer, look, read_into
from landloom.errors import InputError

TENSORS = {
    "labels": torch.arange(24, dtype=torch.uint8).view(4, 2, 3),
    "images": torch.randn(4, 2, 3).to(torch.bfloat16),
    "rows": torch.arange(4),
    "shares": torch.rand(4, 3),
    "none": torch.empty(4, 0, 3),
}
KINDS = {name: Kind(t.dtype, tuple(t.shape)) for name, t in TENSORS.items()}


def written(path: Path, step: int) -> Path:
    with Writer(path, KINDS, {"ids": '["a", "ü"]'}) as file:
        for start in range(0, 4, step):
            for name, tensor in TENSORS.items():
                file.add(name, tensor[start : start + step])
    return path


@pytest.mark.parametrize("step", [1, 3, 4])
def test_the_bytes_are_those_of_safetensors_own_writer(tmp_path: Path, step: int) -> None:
    save_file(TENSORS, tmp_path / "whole", metadata={"ids": '["a", "ü"]'})
    assert written(tmp_path / "rows", step).read_bytes() == (tmp_path / "whole").read_bytes()
    found = load_file(tmp_path / "rows")
    assert all(torch.equal(found[name], tensor) for name, tensor in TENSORS.items())


def test_tensors_are_found_without_reading_them(tmp_path: Path) -> None:
    tensors, metadata = look(written(tmp_path / "a", 2))
    assert metadata == {"ids": '["a", "ü"]'}
    assert {name: t.kind for name, t in tensors.items()} == KINDS
    for name, stored in tensors.items():
        target = torch.empty(stored.kind.shape, dtype=stored.kind.dtype)
        with (tmp_path / "a").open("rb") as file:
            read_into(target, file, stored.start)
        assert torch.equal(target, TENSORS[name])


def test_too_few_or_other_rows_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rows are missing: rows"), Writer(
        tmp_path / "a", {"rows": KINDS["rows"]}, {}
    ) as file:  # fmt: skip
        file.add("rows", torch.arange(3))
    with Writer(tmp_path / "a", {"rows": KINDS["rows"]}, {}) as file:
        with pytest.raises(ValueError, match=r"not torch\.float32"):
            file.add("rows", torch.rand(4))
        file.add("rows", torch.arange(4))
        with pytest.raises(ValueError, match="more rows than 4"):
            file.add("rows", torch.arange(4))


def test_a_file_of_another_kind_or_cut_short_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("no tensors at all")
    with pytest.raises(InputError, match="not a readable safetensors file"):
        look(tmp_path / "a")
    whole = written(tmp_path / "b", 4).read_bytes()
    (tmp_path / "b").write_bytes(whole[:-1])
    with pytest.raises(InputError, match="a tensor is said to lie where none can be"):
        look(tmp_path / "b")
    stored = look(written(tmp_path / "b", 4))[0]["labels"]
    (tmp_path / "b").write_bytes(whole[:-1])  # after it was looked at
    with (tmp_path / "b").open("rb") as file, pytest.raises(InputError, match="ends too early"):
        read_into(torch.empty(stored.kind.shape, dtype=torch.uint8), file, stored.start)
