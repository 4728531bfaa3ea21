"""Folders of models that are damaged, or made to do harm: one sentence names what is wrong."""

import json
import pickle
from pathlib import Path

import pytest

from landloom.errors import InputError
from landloom.models import bundle, layout
from tests import bases


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "base"
    bases.bundle().save(folder)
    return folder


@pytest.fixture
def folder(base: Path, tmp_path: Path) -> Path:
    for file in base.rglob("*.*"):
        copy = tmp_path / "base" / file.relative_to(base)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    return tmp_path / "base"


def problems(folder: Path) -> str:
    return "\n".join(map(str, layout.incomplete(folder)))


def test_a_whole_folder_has_no_problem(folder: Path) -> None:
    assert problems(folder) == ""
    bundle.load(folder)


def test_an_index_names_files_of_its_own_folder_alone(folder: Path) -> None:
    weights = folder / "unet/diffusion_pytorch_model.safetensors"
    weights.rename(folder / "unet/part.safetensors")
    index = weights.with_name(f"{weights.name}.index.json")
    index.write_text(json.dumps({"weight_map": {"a": "part.safetensors"}}))
    assert problems(folder) == ""
    for name in ("../../../etc/passwd", "/etc/passwd", "sub/part.safetensors"):
        index.write_text(json.dumps({"weight_map": {"a": name}}))
        assert f"index.json: names '{name}', which is no file of its own folder" in problems(folder)
        with pytest.raises(InputError, match="which is no file of its own folder"):
            bundle.load(folder)
    index.write_text('{"weight_map": 3}')
    assert "index.json: names no files of weights" in problems(folder)


@pytest.mark.parametrize("header", [b"{" * 50_000, b'{"a": 3}', b"[1]", b'{"a": {"data_offsets": "x"}}'])
def test_headers_of_weights(folder: Path, header: bytes) -> None:
    file = folder / "vae/diffusion_pytorch_model.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    assert f"{file}: not a safetensors file" in problems(folder)
    with pytest.raises(InputError, match="vae: cannot be loaded"):
        bundle.load(folder)


def test_endless_layers_are_refused_at_once(folder: Path) -> None:
    file = folder / "unet/config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"layers_per_block": 10**12}))
    with pytest.raises(InputError, match=r"config\.json, layers_per_block: 1000000000000 are more than"):
        bundle.load(folder)


class Harm:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["diffusion_pytorch_model.bin", "diffusion_pytorch_model.safetensors"])
def test_pickles_are_never_loaded(folder: Path, name: str) -> None:
    (folder / "unet/diffusion_pytorch_model.safetensors").unlink()
    (folder / "unet" / name).write_bytes(pickle.dumps(Harm(folder / "harm")))
    assert problems(folder)
    with pytest.raises(InputError, match="unet: cannot be loaded"):
        bundle.load(folder)
    assert not (folder / "harm").exists()
