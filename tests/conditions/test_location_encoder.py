"""GeoCLIP's location encoder, in small: sizes come from the file."""

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from landloom.conditions import registry
from landloom.conditions.base import Host
from landloom.conditions.group import Conditions
from landloom.conditions.location_encoder import equal_earth, load
from landloom.conditions.metadata import Metadata, numbers, place
from landloom.config.image_train import ImageTrainConfig
from landloom.data.samples import Meta
from landloom.errors import InputError
from tests import bases


def weights(parts: int = 2, width: int = 6) -> dict[str, Tensor]:
    """A state with the names of the package geoclip."""
    rng, found = torch.Generator().manual_seed(0), {}
    for number in range(parts):
        shapes = {"capsule.0.b": (4, 2), "capsule.1.weight": (5, 8), "capsule.1.bias": (5,),
                  "head.0.weight": (width, 5), "head.0.bias": (width,)}  # fmt: skip
        found |= {f"LocEnc{number}.{k}": torch.randn(v, generator=rng) for k, v in shapes.items()}
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_file(weights(), tmp_path / "geoclip.safetensors")
    return tmp_path / "geoclip.safetensors"


def spots(*points: tuple[float, float]) -> Tensor:
    return torch.tensor([place(lon, lat, "") for lon, lat in points])


def test_the_map_is_that_of_equal_earth() -> None:
    """Its equator is 2.706 radii long each way, and its pole 1.317 radii high (Savric et al. 2019)."""
    found = equal_earth(spots((0, 0), (180, 0), (0, 90))) * 180 / 66.50336
    assert found.abs()[:, 0].tolist() == pytest.approx([0, 2.70663, 0], abs=1e-4)
    assert found[:, 1].tolist() == pytest.approx([0, 0, 1.31737], abs=1e-4)


def test_features_by_hand(file: Path) -> None:
    spot, total = spots((10, 50)), torch.zeros(6)
    flat = equal_earth(spot)[0]
    for number in range(2):
        own = {k.split(".", 1)[1]: v for k, v in weights().items() if k.startswith(f"LocEnc{number}.")}
        angles = 2 * math.pi * own["capsule.0.b"] @ flat
        hidden = own["capsule.1.weight"] @ torch.cat([angles.cos(), angles.sin()]) + own["capsule.1.bias"]
        total += own["head.0.weight"] @ hidden.relu() + own["head.0.bias"]
    made = load(file)
    assert made.width == 6
    assert made(spot)[0].tolist() == pytest.approx(total.tolist(), abs=1e-4)


def test_it_goes_into_the_folder_and_is_not_trained(file: Path, tmp_path: Path) -> None:
    """The model stands alone: the file may be gone when it is asked."""
    host = Host(bases.dataset(), "caption", torch.zeros(1, 7, 32), 64)
    section = ImageTrainConfig.model_validate({"metadata": {"location_encoder": str(file)}})
    own = Metadata.told(section, host)
    assert own is not None
    assert own.module is not None
    fixed = {n for n, p in own.module.named_parameters() if not p.requires_grad}
    assert fixed
    assert all(n.startswith("encoder.") for n in fixed)
    torch.nn.init.normal_(own.module.last.weight)
    (tmp_path / "model").mkdir()
    registry.save(Conditions([own]), tmp_path / "model")
    file.unlink()
    again = registry.load(tmp_path / "model").members["metadata"]
    raw = torch.tensor([numbers(Meta(lon=10, lat=50), ""), numbers(Meta(), "")])
    assert again.module is not None
    assert torch.equal(again.module(raw), own.module(raw))


def test_what_is_no_encoder_is_named(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    (tmp_path / "no.safetensors").write_text("no")
    for name in ("other", "no", "gone"):
        with pytest.raises(InputError, match=rf"location_encoder: .*{name}\.safetensors: cannot be read"):
            load(tmp_path / f"{name}.safetensors")
