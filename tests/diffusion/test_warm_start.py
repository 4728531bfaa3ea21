"""A generator that begins with a trained one makes what that one makes, and learns what is new to it."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from landloom.conditions import registry
from landloom.conditions.base import Condition
from landloom.conditions.low_resolution import LowResolution
from landloom.conditions.mask import Mask
from landloom.conditions.metadata import Metadata
from landloom.config.image_train import ImageTrainConfig
from landloom.diffusion import controlnet, warm_start
from landloom.diffusion.denoiser import Denoiser
from landloom.errors import InputError
from landloom.models.bundle import Bundle
from tests import bases

X, T, WORDS = torch.randn(2, 4, 16, 16), torch.tensor([500]), torch.randn(2, 7, 32)
GIVEN = {
    "text": WORDS,
    "mask": torch.randint(0, 3, (2, 32, 32), dtype=torch.uint8),
    "low_resolution": torch.randn(2, 5, 8, 8),
}
CPU = torch.device("cpu")
NAMES = ["water", "forest", "road"]


def coarse(bands: int = 4) -> LowResolution:
    return LowResolution(4, [0] * bands, [1] * bands, 8, 0.1)


def fresh(
    told: Sequence[Condition], config: ImageTrainConfig, seed: int = 0, names: Sequence[str] = NAMES
) -> tuple[Bundle, Denoiser]:
    """A denoiser as training builds it."""
    torch.manual_seed(seed)
    model = bases.bundle()
    made = controlnet.build(config, model, 3)
    found = bases.denoiser(model, Mask(3, names=names), *told, controlnet=made)
    found.stems = controlnet.stems(model, made, found.conditions)
    controlnet.adapt(model, config)
    return model, found


def trained(folder: Path, told: Sequence[Condition], config: ImageTrainConfig) -> Tensor:
    """Write a generator whose weights are random; what it predicts, loaded as a sampler does."""
    model, found = fresh(told, config)
    for module in [*found.stems.values(), *(c.module for c in told if c.module)]:
        for weight in module.parameters():
            nn.init.normal_(weight, std=0.1)
    assert found.controlnet is not None
    learned = [p for p in model.network.parameters() if p.requires_grad]
    for weight in (*learned, *found.controlnet.controlnet_mid_block.parameters()):
        nn.init.normal_(weight, std=0.1)
    controlnet.save(folder, found.controlnet, model, config, found.stems)
    registry.save(found.conditions, folder)
    return loaded(folder)


def loaded(folder: Path) -> Tensor:
    model = bases.bundle()
    made = controlnet.load(folder, model, CPU, torch.float32)
    told = registry.load(folder, model.embed)
    found = Denoiser(model, told, made, stems=controlnet.load_stems(folder, model, made, told))
    with torch.no_grad():
        return found(X, T, {n: GIVEN[n] for n in told.members})


@pytest.mark.parametrize("own", [{}, {"unlock": True}, {"lora": 2}])
@pytest.mark.parametrize("hint", [False, True])
def test_what_is_new_changes_nothing_at_first(tmp_path: Path, own: dict[str, int], hint: bool) -> None:
    config = ImageTrainConfig(init="small", **own)
    before = trained(tmp_path, [coarse()] if hint else [], config)
    model, found = fresh([coarse()], config, seed=1)
    assert not torch.allclose(found(X, T, GIVEN), before, atol=1e-3)
    warm_start.begin(found, tmp_path)
    torch.testing.assert_close(found(X, T, GIVEN), before)
    zero = found.stems["low_resolution"].conv_out.weight
    assert bool((zero == 0).all()) is not hint
    learning = [n for n, p in model.network.named_parameters() if p.requires_grad]
    assert bool(learning) is bool(own)


def test_any_controlnet_of_diffusers_is_a_start(tmp_path: Path) -> None:
    trained(tmp_path, [], ImageTrainConfig(init="small"))
    (tmp_path / registry.FILE).unlink()
    _, found = fresh([coarse()], ImageTrainConfig(), seed=1)
    warm_start.begin(found, tmp_path)
    assert found.controlnet is not None
    assert found.controlnet.controlnet_mid_block.weight.abs().max() > 0


def test_an_embedding_keeps_what_it_learned(tmp_path: Path) -> None:
    own = ImageTrainConfig(init="small")
    told = Metadata(bases.bundle().time, 0.1)
    model, found = fresh([told], own)
    assert told.module is not None
    for weight in told.module.parameters():
        nn.init.normal_(weight, std=0.1)
    assert found.controlnet is not None
    controlnet.save(tmp_path, found.controlnet, model, own, found.stems)
    registry.save(found.conditions, tmp_path)
    again = Metadata(bases.bundle().time, 0.1)
    warm_start.begin(fresh([again, coarse()], own, seed=1)[1], tmp_path)
    assert again.module is not None
    for name, weight in told.module.state_dict().items():
        assert torch.equal(again.module.state_dict()[name], weight), name


def test_what_does_not_fit_is_named_on_both_sides(tmp_path: Path) -> None:
    trained(tmp_path, [coarse()], ImageTrainConfig(init="small", unlock=True))
    unlocked = ImageTrainConfig(unlock=True)
    with pytest.raises(InputError, match=r"was told text, mask, low_resolution, this one is told text, mask"):
        warm_start.begin(fresh([], unlocked)[1], tmp_path)
    with pytest.raises(InputError, match=r"are water, forest, road; here they are water, road, forest"):
        warm_start.begin(fresh([coarse()], unlocked, names=["water", "road", "forest"])[1], tmp_path)
    with pytest.raises(InputError, match=r"'low_resolution' in .* are mean of band 1, .* here they are"):
        warm_start.begin(fresh([coarse(2)], unlocked)[1], tmp_path)
    with pytest.raises(InputError, match=r"was trained with unlock, which is off here\. Set image_train.unl"):
        warm_start.begin(fresh([coarse()], ImageTrainConfig())[1], tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(InputError, match=r"image_train.start: .* cannot be read as a ControlNet"):
        warm_start.begin(fresh([coarse()], unlocked)[1], tmp_path)


def test_other_sizes_are_named(tmp_path: Path) -> None:
    trained(tmp_path, [], ImageTrainConfig(init="small", channels=(8, 16)))
    with pytest.raises(InputError, match=r"the ControlNet in .* has other sizes: .*\"there\": \[.*\"here\""):
        warm_start.begin(fresh([], ImageTrainConfig(channels=(16, 32)))[1], tmp_path)
    trained(tmp_path, [], ImageTrainConfig(init="small", lora=2))
    with pytest.raises(InputError, match=r"the LoRA in .* has other sizes"):
        warm_start.begin(fresh([], ImageTrainConfig(lora=4))[1], tmp_path)
