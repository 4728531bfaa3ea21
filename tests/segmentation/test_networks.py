import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from landloom.config.segment import Network
from landloom.errors import InputError
from landloom.segmentation import networks


@pytest.mark.parametrize("architecture", ["DeepLabV3Plus", "PSPNet", "Segformer", "Unet"])
def test_logits_have_the_size_of_small_tiles(architecture: str) -> None:
    model = networks.build(Network(architecture=architecture), bands=5, classes=7).eval()
    networks.check_size(model, 5, 64)
    with torch.no_grad():
        assert model(torch.zeros(1, 5, 64, 64)).shape == (1, 7, 64, 64)


@pytest.mark.parametrize(
    ("network", "hint"),
    [
        (Network(architecture="DeepLabV3Pluss"), "DeepLabV3Plus"),
        (Network(encoder="resnet81"), "resnet18"),
        (Network(encoder="tu-resnet81"), "tu-resnet18"),
    ],
)
def test_unknown_names_list_close_ones(network: Network, hint: str) -> None:
    with pytest.raises(InputError, match=rf"Did you mean .*{hint}"):
        networks.build(network, 3, 2)


def test_encoder_that_does_not_fit_is_an_input_error() -> None:
    with pytest.raises(InputError, match="cannot be made"):
        networks.build(Network(architecture="UnetPlusPlus", encoder="mit_b0"), 3, 2)


def test_tile_size_must_suit_the_network() -> None:
    model = networks.build(Network(architecture="Segformer", encoder="mobilenet_v2"), 3, 2)
    with pytest.raises(InputError, match="cannot take tiles of 48 px"):
        networks.check_size(model, 3, 48)


def test_saved_network_loads_offline_and_without_landloom(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = networks.build(Network(architecture="PSPNet", encoder="mobilenet_v2"), 3, 2).eval()
    model.config["encoder_weights"] = "imagenet"  # type: ignore[index, assignment, operator]
    networks.save(model, tmp_path / "model")
    x = torch.ones(1, 3, 32, 32)
    torch.save(x, tmp_path / "x.pt")
    code = (
        "import sys, torch, segmentation_models_pytorch as smp\n"
        "m = smp.from_pretrained('model').eval()\n"
        "torch.save(m(torch.load('x.pt')).detach(), 'y.pt')\n"
        "assert not [n for n in sys.modules if n.startswith('landloom')]\n"
    )
    offline = os.environ | {"HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, env=offline)
    with torch.no_grad():
        expected = model(x)
        assert torch.allclose(torch.load(tmp_path / "y.pt"), expected, atol=1e-6)
        assert torch.equal(networks.load(tmp_path / "model")(x), expected)


def test_empty_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no segmentation network"):
        networks.load(tmp_path)
