"""Doors of the denoiser and its ControlNet, on bases of today's families."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from landloom.conditions.low_resolution import LowResolution
from landloom.conditions.mask import Mask
from landloom.conditions.metadata import Metadata
from landloom.config.image_train import ImageTrainConfig
from landloom.diffusion import controlnet
from landloom.models.families.base import Bundle, unpack
from landloom.models.families.sd3 import StableDiffusion3
from landloom.models.families.sdxl import StableDiffusionXL
from tests import bases, families

CPU, T = torch.device("cpu"), torch.tensor([3.0, 700.0])


@pytest.fixture(params=families.MADE)
def model(request: pytest.FixtureRequest) -> Bundle:
    return families.MADE[request.param]().to(CPU)


def noisy(model: Bundle) -> Tensor:
    side = bases.SIDE // model.factor
    shape = (2, model.vae.config.latent_channels, side, side)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def seen() -> Tensor:
    return torch.randint(0, 3, (2, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_words_and_size_reach_the_network_as_diffusers_has_them(model: Bundle) -> None:
    x, words = noisy(model), model.embed(["a river", "a city"])
    found = bases.denoiser(model)(x, T, {"text": words})
    tokens, pooled = unpack(words, model.pooled)
    if isinstance(model, StableDiffusionXL):
        sizes = torch.tensor([[32.0, 32, 0, 0, 32, 32]] * 2)
        told = {"text_embeds": pooled, "time_ids": sizes}
        plain = model.unet(x, T, tokens, added_cond_kwargs=told).sample
    else:
        assert isinstance(model, StableDiffusion3)
        plain = model.transformer(x, tokens, pooled, T).sample
    assert torch.equal(found, plain)


def test_one_step_for_all_is_the_same_as_one_each(model: Bundle) -> None:
    told, given = bases.denoiser(model), {"text": model.embed(["a river"] * 2)}
    both = told(noisy(model), torch.tensor([700.0] * 2), given)
    assert torch.allclose(told(noisy(model), torch.tensor(700.0), given), both, atol=1e-6)


def test_a_controlnet_starts_silent_and_all_of_it_learns(model: Bundle) -> None:
    """Weights without a gradient would make several processes wait for each other."""
    before = dict(model.network.config)
    made = controlnet.build(ImageTrainConfig(), model, 3)
    assert dict(model.network.config) == before
    told = bases.denoiser(model, Mask(3), controlnet=made)
    given = {"text": model.embed(["a river"] * 2), "mask": seen()}
    alone = bases.denoiser(model)(noisy(model), T, {"text": given["text"]})
    assert torch.allclose(told(noisy(model), T, given), alone, atol=1e-6)
    made = controlnet.build(ImageTrainConfig(init="small"), model, 3)
    told = bases.denoiser(model, Mask(3), controlnet=made)
    steered = told(noisy(model), T, given)
    assert not torch.allclose(steered, alone, atol=1e-3)
    told.strength = 0.0
    assert torch.allclose(told(noisy(model), T, given), alone, atol=1e-6)
    steered.square().mean().backward()
    learning = {n for n, p in made.named_parameters() if p.requires_grad}
    assert learning == {n for n, p in made.named_parameters() if p.grad is not None}
    assert len(learning) > 20


def test_a_further_hint_changes_nothing_before_it_is_trained(model: Bundle, tmp_path: Path) -> None:
    coarse, small = LowResolution(4, [0] * 4, [1] * 4, 8, 0.1), ImageTrainConfig(init="small")
    made = controlnet.build(small, model, 3)
    alone = bases.denoiser(model, Mask(3), controlnet=made)
    both = bases.denoiser(model, Mask(3), coarse, controlnet=made)
    both.stems = controlnet.stems(model, made, both.conditions)
    given = {"text": model.embed(["a river"] * 2), "mask": seen()}
    hint = {"low_resolution": torch.randn(2, 5, 8, 8)}
    before = alone(noisy(model), T, given)
    assert torch.equal(both(noisy(model), T, given | hint), before)
    ends = [m for m in both.stems.modules() if isinstance(m, nn.Conv2d) and not m.weight.any()]
    nn.init.normal_(ends[0].weight, std=0.3)
    after = both(noisy(model), T, given | hint)
    assert not torch.allclose(after, before, atol=1e-4)
    controlnet.save(tmp_path, made, model, small, both.stems)
    again = controlnet.load(tmp_path, model, CPU, torch.float32)
    loaded = bases.denoiser(model, Mask(3), coarse, controlnet=again)
    loaded.stems = controlnet.load_stems(tmp_path, model, again, both.conditions)
    assert torch.equal(loaded(noisy(model), T, given | hint), after)


def test_an_embedding_is_added_to_that_of_the_time(model: Bundle) -> None:
    own = Metadata(model.time, 0.1)
    told, names = bases.denoiser(model, own), set(model.network.state_dict())
    assert own.module is not None
    nn.init.normal_(own.module.last.weight, std=0.3)
    text = {"text": model.embed(["a river"] * 2)}
    alone = bases.denoiser(model)(noisy(model), T, text)
    assert not torch.allclose(told(noisy(model), T, text | {"metadata": torch.ones(2, 14)}), alone, atol=1e-4)
    assert torch.equal(bases.denoiser(model)(noisy(model), T, text), alone)  # no hook stays behind
    assert set(model.network.state_dict()) == names


def test_an_unlocked_decoder_is_the_upper_half_of_a_unet_alone(model: Bundle) -> None:
    names = model.decoder()
    assert bool(names) is isinstance(model, StableDiffusionXL)
    assert all(n.startswith(("up_blocks.", "conv_norm_out.", "conv_out.")) for n in names)
