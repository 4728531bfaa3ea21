from pathlib import Path

import pytest
import torch
from diffusers import ControlNetModel
from torch import Tensor, nn

from landloom.conditions.low_resolution import LowResolution
from landloom.conditions.mask import Mask
from landloom.config.image_train import ImageTrainConfig
from landloom.diffusion import controlnet
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.objective import DenoisingObjective
from landloom.diffusion.sampling import sample
from landloom.errors import InputError
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.training.loop import train
from tests import bases
from tests.bases import LOGGED

CPU = torch.device("cpu")


def test_small_noise_gives_the_mask_an_effect_before_training() -> None:
    model = bases.bundle()
    x, t, text = torch.randn(1, 4, 16, 16), torch.tensor([500]), torch.randn(1, 77, 32)
    for init, silent in (("zero", True), ("small", False)):
        made = controlnet.build(ImageTrainConfig(init=init), model, 3)
        down, middle = made(x, t, text, controlnet_cond=torch.rand(1, 3, 32, 32), return_dict=False)
        assert all(bool((d == 0).all()) is silent for d in [*down, middle])


def test_a_stem_that_does_not_fit_the_base_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"channels: 4 halve a mask 3 times, the base .* 1 times\. Give 2,"):
        controlnet.build(ImageTrainConfig(channels=(16, 32, 96, 256)), bases.bundle(), 3)


def test_an_unlocked_decoder_is_kept_beside_the_controlnet(tmp_path: Path) -> None:
    model, other = bases.bundle(), bases.bundle()
    made = controlnet.build(ImageTrainConfig(), model, 3)
    weights = model.decoder()
    assert any(n.startswith("up_blocks.") for n in weights)
    assert not any(n.startswith("down_blocks.") for n in weights)
    with torch.no_grad():
        for p in weights.values():
            p.add_(1)
    controlnet.save(tmp_path, made, model, ImageTrainConfig(unlock=True))
    controlnet.load(tmp_path, other, CPU, torch.float32)
    for name, p in model.unet.state_dict().items():
        assert torch.equal(p, other.unet.state_dict()[name]), name


def test_a_locked_base_stays_out_of_the_folder(tmp_path: Path) -> None:
    model = bases.bundle()
    controlnet.save(tmp_path, controlnet.build(ImageTrainConfig(), model, 3), model, ImageTrainConfig())
    assert not (tmp_path / controlnet.DECODER).exists()


def test_a_new_hint_changes_nothing_before_it_is_trained(tmp_path: Path) -> None:
    """A ControlNet of masks alone is loaded, and a hint put beside: its stem ends in zeros."""
    torch.manual_seed(0)
    model, coarse = bases.bundle(), LowResolution(4, [0] * 4, [1] * 4, 8, 0.1)
    small = ImageTrainConfig(init="small")
    controlnet.save(tmp_path, controlnet.build(small, model, 3), model, small)
    made = controlnet.load(tmp_path, model, CPU, torch.float32)
    alone = bases.denoiser(model, Mask(3), controlnet=made)
    both = bases.denoiser(model, Mask(3), coarse, controlnet=made)
    stems = both.stems = controlnet.stems(model, made, both.conditions)
    x, t, text = torch.randn(2, 4, 16, 16), torch.tensor([500]), torch.randn(2, 7, 32)
    given = {"text": text, "mask": torch.randint(0, 3, (2, 32, 32), dtype=torch.uint8)}
    hint = {"low_resolution": torch.randn(2, 5, 8, 8)}
    before = alone(x, t, given)
    assert torch.equal(both(x, t, given | hint), before)
    nn.init.normal_(stems["low_resolution"].conv_out.weight, std=0.3)
    after = both(x, t, given | hint)
    assert not torch.allclose(after, before, atol=1e-4)
    controlnet.save(tmp_path, made, model, small, stems)
    both.stems = controlnet.load_stems(tmp_path, model, made, both.conditions)
    assert torch.equal(both(x, t, given | hint), after)
    assert torch.equal(alone(x, t, given), before)  # no hook stays behind
    assert ControlNetModel.from_pretrained(tmp_path).config.conditioning_channels == 3


def test_the_mask_decides_with_the_seed_held(tmp_path: Path) -> None:
    """Swap two classes in a mask: what is sampled from the same noise follows."""
    model, cache = bases.bundle(), bases.cache(16, 1)
    halves = torch.tensor([[0] * 16 + [1] * 16] * 32, dtype=torch.uint8)
    cache.labels = torch.stack([halves, halves.flip(-1)] * 8)
    shown = cache.labels[:, ::2, ::2].float() * 2 - 1  # the first channel shows the class
    cache.images = shown[:, None, None].expand(-1, -1, 4, -1, -1).clone()
    config = ImageTrainConfig(steps=80, batch=4, lr=5e-3, warmup=5, unlock=True, init="small")
    torch.manual_seed(0)
    made = controlnet.build(config, model, 3)
    told = bases.denoiser(model, Mask(3), words=cache.text, controlnet=made)
    objective = DenoisingObjective(told, model.scheduler, cache.images, cache.columns, config.min_snr)
    controlnet.adapt(model, config)
    train(objective, config, LOGGED, 0, tmp_path, "test")
    found = [contrast(model, told, mask) for mask in (halves, halves.flip(-1))]
    assert found[0] > 0.5
    assert found[1] < -0.5


def contrast(model: StableDiffusion, told: Denoiser, mask: Tensor) -> float:
    """Right half minus left half of what is sampled from one seed."""
    given = {"text": model.embed(["a river"]), "mask": mask[None]}
    latents = sample(told.eval(), model.scheduler, given, [7], 4, 16)
    return float(latents[..., 8:].mean() - latents[..., :8].mean())
