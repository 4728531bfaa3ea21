from pathlib import Path

import pytest
import torch
from diffusers import DDPMScheduler
from torch import Tensor, nn

from landloom.conditions.group import Conditions
from landloom.conditions.low_resolution import LowResolution
from landloom.conditions.mask import Mask, one_hot
from landloom.config.image_train import ImageTrainConfig, OneStepConfig
from landloom.diffusion import adversarial_one_step, controlnet
from landloom.diffusion.adversarial_one_step import OneStep, OneStepObjective
from landloom.diffusion.latent_cache import LatentCache
from landloom.diffusion.noise import clean
from landloom.diffusion.sampling import noise, sample
from landloom.errors import InputError
from landloom.gan.networks import discriminator
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.training.loop import train
from tests import bases
from tests.bases import LOGGED

HALVES = torch.tensor([[0] * 16 + [1] * 16] * 32, dtype=torch.uint8)


def objective(model: StableDiffusion, cache: LatentCache, config: ImageTrainConfig) -> OneStepObjective:
    """Of a new ControlNet on a cache of three classes."""
    made = controlnet.build(config, model, 3)
    told = bases.denoiser(model, Mask(3), words=cache.text, controlnet=made)
    return OneStepObjective(told, model.scheduler, cache.images, cache.columns, config.one_step)


class Told(nn.Module):
    """A denoiser that always answers the same; keeps what it was given."""

    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.conditions = Conditions([])
        self.answer = nn.Parameter(answer)

    def forward(self, noisy: Tensor, t: Tensor, given: dict[str, Tensor]) -> Tensor:
        self.given = (noisy, t)
        return self.answer

    def entering(self, door: str, given: dict[str, Tensor], dtype: torch.dtype) -> list[Tensor]:
        return [given["mask"]]


def test_it_starts_from_noise_alone_and_each_player_has_its_own_loss() -> None:
    torch.manual_seed(0)
    scheduler, real, start = bases.bundle().scheduler, torch.randn(2, 4, 16, 16), torch.randn(2, 4, 16, 16)
    made = OneStep(Told(-real), discriminator(7, 8, 2), scheduler, 1.0)
    l1, adversarial, against = made(start, {"mask": torch.rand(2, 3, 32, 32)}, real)
    noisy, t = made.denoiser.given
    assert t.tolist() == [999, 999]
    assert torch.equal(noisy, start)
    assert l1.item() == pytest.approx(0, abs=1e-3)  # at the end of the schedule, v is minus the clean latent
    adversarial.backward()
    assert made.denoiser.answer.grad is not None
    assert made.denoiser.answer.grad.abs().max() > 0
    assert all(p.grad is None for p in made.judge.parameters())
    made.zero_grad()
    against.backward()
    assert made.denoiser.answer.grad is None
    assert all(p.grad is not None for p in made.judge.parameters())


def test_with_less_strength_it_starts_from_the_tile_under_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []

    def judged(judge: nn.Module, hint: Tensor, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen.append(fake)
        return fake.mean(), fake.mean(), fake.mean()

    monkeypatch.setattr(adversarial_one_step, "duel", judged)
    scheduler, real, start = bases.bundle().scheduler, torch.randn(1, 4, 16, 16), torch.randn(1, 4, 16, 16)
    a = scheduler.alphas_cumprod[249]
    exact = a.sqrt() * start - (1 - a).sqrt() * real  # v of this tile under this noise
    made = OneStep(Told(exact), nn.Identity(), scheduler, 0.25)
    made(start, {"mask": torch.rand(1, 3, 32, 32)}, real)
    noisy, t = made.denoiser.given
    assert t.tolist() == [249]
    assert torch.allclose(noisy, a.sqrt() * real + (1 - a).sqrt() * start, atol=1e-5)
    assert torch.allclose(seen[0], real, atol=1e-4)


def test_the_discriminator_sees_class_shares_beside_latents(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []

    def judged(judge: nn.Module, hint: Tensor, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen.extend((hint, real))
        return fake.mean(), fake.mean(), fake.mean()

    monkeypatch.setattr(adversarial_one_step, "duel", judged)
    real, hint = torch.randn(1, 4, 16, 16), one_hot(HALVES[None], 3)
    hint[0, :, :2, :2] = torch.tensor([[[1.0, 0], [0, 0]], [[0, 1], [0, 0]], [[0, 0], [1, 1]]])
    made = OneStep(Told(real), nn.Identity(), bases.bundle().scheduler, 1.0)
    made(torch.randn_like(real), {"mask": hint}, real)
    assert torch.equal(seen[1], real)
    assert seen[0].shape == (1, 3, 16, 16)
    assert seen[0][0, :, 0, 0].tolist() == [0.25, 0.25, 0.5]
    assert seen[0][0, :, 5, 12].tolist() == [0, 1, 0]


def test_one_step_of_the_sampler_is_what_was_trained() -> None:
    """Any base: the schedule of Stable Diffusion would start a single step in the middle."""
    model = bases.bundle()
    text = model.embed(["a river", "a road"])
    stable = DDPMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1,
        timestep_spacing="leading", clip_sample=False,
    )  # fmt: skip
    for schedule in (model.scheduler, stable):
        model.scheduler = schedule
        start = noise([3, 4], (4, 16, 16))
        t = torch.tensor([999, 999])
        with torch.no_grad():
            expected = clean(model.scheduler, start, t, model.unet(start, t, text).sample)
        for solver in ("unipc", "dpm++"):
            told = bases.denoiser(model)
            found = sample(told, model.scheduler, {"text": text}, [3, 4], 1, 16, solver=solver)
            assert torch.allclose(found, expected, rtol=1e-2, atol=1e-2 * float(expected.abs().max()))


def test_one_step_from_a_start_is_what_was_trained() -> None:
    model = bases.bundle()
    text, real = model.embed(["a river", "a road"]), torch.randn(2, 4, 16, 16)
    noisy, t = model.scheduler.add_noise(real, noise([3, 4], (4, 16, 16)), torch.tensor([249] * 2)), [249] * 2
    with torch.no_grad():
        expected = clean(
            model.scheduler, noisy, torch.tensor(t), model.unet(noisy, torch.tensor(t), text).sample
        )
    told = bases.denoiser(model)
    found = sample(told, model.scheduler, {"text": text}, [3, 4], 1, 16, start=real, strength=0.25)
    assert torch.allclose(found, expected, atol=1e-5)


def test_latents_that_are_too_small_are_an_input_error() -> None:
    config = ImageTrainConfig(objective="one_step", one_step=OneStepConfig(width=8, layers=6))
    model = bases.bundle()
    with pytest.raises(InputError, match=r"one_step\.layers: 6 layers need latents of 192"):
        objective(model, bases.cache(4, 1), config)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_smallest_latent_fits_the_discriminator_and_no_smaller_one(layers: int) -> None:
    judge, side = discriminator(3, 8, layers), OneStepConfig(layers=layers).smallest
    assert judge(torch.rand(2, 3, side, side)).shape[-1] == 1
    with pytest.raises(RuntimeError):
        judge(torch.rand(2, 3, side - 2**layers, side - 2**layers))


def test_l1_weighs_as_set() -> None:
    torch.manual_seed(0)
    config = ImageTrainConfig(objective="one_step", one_step=OneStepConfig(width=8, l1=4))
    model = bases.bundle()
    made = objective(model, bases.cache(4, 1), config)
    found = made.loss(made.module, torch.arange(2))
    expected = found["l1"] + (found["adversarial"] + found["discriminator"]) / 4
    assert torch.isclose(found["loss"], expected)
    assert found["adversarial"] > 0


def test_the_mask_decides_in_one_step(tmp_path: Path) -> None:
    model, cache = bases.bundle(), bases.cache(16, 1)
    cache.labels = torch.stack([HALVES, HALVES.flip(-1)] * 8)
    shown = cache.labels[:, ::2, ::2].float() * 2 - 1
    cache.images = shown[:, None, None].expand(-1, -1, 4, -1, -1).clone()
    config = ImageTrainConfig(
        objective="one_step", one_step=OneStepConfig(width=8), steps=60, batch=4, lr=2e-3, warmup=5,
        unlock=True, init="small",
    )  # fmt: skip
    torch.manual_seed(0)
    made = objective(model, cache, config)
    controlnet.adapt(model, config)
    train(made, config, LOGGED, 0, tmp_path, "test")
    for mask, sign in ((HALVES, 1), (HALVES.flip(-1), -1)):
        given = {"text": model.embed(["a river"]), "mask": mask[None]}
        found = sample(made.players[0], model.scheduler, given, [7], 1, 16)
        assert sign * float(found[..., 8:].mean() - found[..., :8].mean()) > 0.5


def test_the_discriminator_sees_every_hint() -> None:
    model, cache, coarse = bases.bundle(), bases.cache(4, 1), LowResolution(4, [0] * 4, [1] * 4, 8, 0.1)
    config = ImageTrainConfig(objective="one_step", one_step=OneStepConfig(width=8), init="small")
    cache.more = {"low_resolution": torch.randn(4, 5, 8, 8)}
    made = controlnet.build(config, model, 3)
    told = bases.denoiser(model, Mask(3), coarse, words=cache.text, controlnet=made)
    told.stems = controlnet.stems(model, made, told.conditions)
    own = OneStepObjective(told, model.scheduler, cache.images, cache.columns, config.one_step)
    seen: list[Tensor] = []
    own.module.judge.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    own.loss(own.module, torch.arange(2))["loss"].backward()
    assert all(x.shape[1] == 3 + 5 + 4 for x in seen)  # classes, bands and known, latents
    ends = told.stems["low_resolution"].conv_out.weight.grad
    assert ends is not None
    assert ends.abs().max() > 0
