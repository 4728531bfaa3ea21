"""A network as ONNX answers as torch does, and says what its classes are."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from landloom.commands import onnx as command
from landloom.config.segment import Network
from landloom.errors import InputError
from landloom.segmentation import networks, onnx_file
from tests import rasters, shards
from tests.config.test_config import raw

runtime = pytest.importorskip("onnxruntime", reason="pip install 'landloom[onnx]'")
SIZE = 32
LARGE, ODD = (1, 3, 96, 64), (3, 3, 45, 70)


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Words that export the network in ``net``, in the folder of a run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/tiny").mkdir(parents=True)
    shards.dataset(SIZE).save(tmp_path / "results/tiny/statistics.json")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(raw()))
    return ["--model", "net", "--out", "net.onnx", "--configfile", "c.yaml"]


def trained(architecture: str, encoder: str) -> torch.nn.Module:
    """A network whose batch norms have seen something, in ``net``."""
    torch.manual_seed(0)
    model = networks.build(Network(architecture=architecture, encoder=encoder), 3, 3).train()
    model(torch.randn(4, 3, 64, 64))
    networks.save(model, Path("net"))
    return networks.load(Path("net"))


@pytest.mark.parametrize(
    ("architecture", "encoder"),
    [
        ("DeepLabV3Plus", "resnet18"),
        ("PSPNet", "resnet18"),
        ("Segformer", "mit_b0"),
        ("Unet", "mobilenet_v2"),
    ],
)
def test_it_answers_as_torch_does_at_any_size(words: list[str], architecture: str, encoder: str) -> None:
    model, dataset = trained(architecture, encoder), shards.dataset(SIZE)
    assert command.main(words) == 0
    session = runtime.InferenceSession("net.onnx", providers=["CPUExecutionProvider"])
    for shape in (LARGE, ODD):
        pixels = np.stack([rasters.noise(*shape[2:], seed=i) for i in range(shape[0])])
        (found,) = session.run(None, {"image": pixels.astype(np.float32)})
        edges = [(0, 0), (0, 0), (0, -shape[2] % 32), (0, -shape[3] % 32)]
        scaled = torch.from_numpy(np.pad(dataset.scale(pixels), edges, mode="edge"))
        with torch.no_grad():
            expected = model(scaled).numpy()[:, :, : shape[2], : shape[3]]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max())
        assert np.ptp(expected) > 0


def test_it_says_what_it_needs_to_be_used(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    trained("Unet", "mobilenet_v2")
    assert command.main(words) == 0
    assert "image (batch, 3, height, width)" in capsys.readouterr().out
    session = runtime.InferenceSession("net.onnx", providers=["CPUExecutionProvider"])
    about = {k: json.loads(v) for k, v in session.get_modelmeta().custom_metadata_map.items()}
    dataset = shards.dataset(SIZE)
    assert (about["classes"], about["colors"]) == (dataset.names, dataset.colors)
    assert (about["low"], about["high"], about["dtype"]) == (dataset.low, dataset.high, "uint8")
    assert [i.shape for i in session.get_inputs()] == [["batch", 3, "height", "width"]]
    missing = np.full((1, 3, 32, 32), np.nan, np.float32)
    (nan,), (low,) = (session.run(None, {"image": x}) for x in (missing, np.zeros_like(missing) - 1e6))
    np.testing.assert_array_equal(nan, low)


def test_nothing_is_overwritten_and_a_missing_package_is_named(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained("Unet", "mobilenet_v2")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"needs the package onnx\. Run: pip install 'landloom\[onnx\]'"):
        command.main(words)
    assert not list(Path().glob("*net.onnx*"))
    Path("net.onnx").write_text("mine")
    with pytest.raises(InputError, match=r"net\.onnx: is there already"):
        command.main(words)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_pooling_by_products_is_that_of_torch(size: int) -> None:
    for height, width in ((6, 6), (7, 12), (3, 5), (2, 9)):
        x = torch.randn(2, 3, height, width)
        expected = torch.nn.functional.adaptive_avg_pool2d(x, size)
        torch.testing.assert_close(onnx_file.Pooling(size)(x), expected)
