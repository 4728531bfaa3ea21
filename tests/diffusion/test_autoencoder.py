from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landloom.config.base import VaeConfig
from landloom.diffusion import autoencoder
from landloom.diffusion.autoencoder import AutoencoderObjective
from landloom.raster.labels import IGNORE
from tests import bases
from tests.announced import Announced, foretold

LABELS = (
    torch.tensor([[0, 1], [2, IGNORE]], dtype=torch.uint8).repeat_interleave(4, 0).repeat_interleave(4, 1)
)


class Echo(nn.Module):
    """Gives back its input plus an error, with a hand-set latent; keeps what it saw."""

    def __init__(self, error: float = 0.0, mean: float = 0.0, logvar: float = 0.0) -> None:
        super().__init__()
        self.error, self.mean, self.logvar = error, mean, logvar

    def forward(self, x: Tensor, noise: float, shrink: int) -> tuple[Tensor, Tensor, Tensor]:
        self.seen, self.noise, self.shrink = x, noise, shrink
        return (
            F.avg_pool2d(x, shrink) + self.error,
            torch.full((1,), self.mean),
            torch.full((1,), self.logvar),
        )


def objective(**config: float | int) -> AutoencoderObjective:
    images = torch.arange(3).view(3, 1, 1, 1).expand(3, 4, 8, 8).half() / 10
    model = bases.bundle()
    settings = VaeConfig(**({"equivariance": 0} | config))  # type: ignore[arg-type]
    return AutoencoderObjective(model.vae, images, LABELS.expand(3, 8, 8), model.palette(3), settings, "none")


def test_loss_by_hand() -> None:
    # L1 0.5, half the MSE 0.125, KL 0.5 (1 + e - 1 - 1) of mean 1 and log-variance 1.
    found = objective(kl=2.0).loss(Echo(0.5, 1.0, 1.0), torch.tensor([0, 1]))
    assert found["loss"].item() == pytest.approx(0.5 + 0.125 + 2 * 0.5 * (torch.e - 1))
    assert found["l1"].item() == pytest.approx(0.5)


def test_errors_of_chroma_by_hand() -> None:
    error = torch.zeros(1, 4, 8, 8)
    error[:, 0, :4, :4] = 0.8  # in one block of four: 0.6 above the mean of all bands, the others 0.2 below
    assert autoencoder.chroma(error).item() == pytest.approx((0.6 + 3 * 0.2) / 4 / 4)
    assert autoencoder.chroma(torch.full((1, 4, 8, 8), 0.5)).item() == 0  # brightness alone
    texture = (
        torch.tensor([[1.0, -1], [-1, 1]]).repeat(4, 4).expand(1, 4, 8, 8) * torch.arange(4)[:, None, None]
    )
    assert autoencoder.chroma(texture).item() == pytest.approx(0)


def test_chroma_weighs_as_set() -> None:
    torch.manual_seed(0)
    tinted, index = Echo(torch.tensor([0.4, 0, 0, 0])[:, None, None]), torch.tensor([0, 1])  # type: ignore[arg-type]
    plain = objective().loss(tinted, index)["loss"].item()
    assert objective(chroma=2.0).loss(tinted, index)["loss"].item() == pytest.approx(plain + 2 * 0.15)


@pytest.mark.parametrize("kind", ["dc", "kl"])
def test_one_pass_gives_image_and_latent(kind: Literal["dc", "kl"]) -> None:
    vae = bases.bundle(kind).vae
    image, mean, logvar = autoencoder.Autoencoding(vae)(torch.rand(2, 4, 32, 32))
    assert image.shape == (2, 4, 32, 32)
    assert mean.shape == logvar.shape == (2, 4, 16, 16)
    assert (kind == "dc") == (logvar == 0).all().item()  # it has no variance, so none is punished


@pytest.mark.parametrize("kind", ["dc", "kl"])
def test_smaller_latents_give_smaller_pictures_and_noise_changes_them(kind: Literal["dc", "kl"]) -> None:
    module, x = autoencoder.Autoencoding(bases.bundle(kind).vae), torch.rand(2, 4, 32, 32)

    def seeded(**given: float) -> tuple[Tensor, Tensor, Tensor]:
        torch.manual_seed(0)
        return tuple(module(x, **given))

    plain, mean, _ = seeded()
    small, same, _ = seeded(shrink=2)
    assert small.shape == (2, 4, 16, 16)
    assert torch.equal(same, mean)
    noisy, same, _ = seeded(noise=0.5)
    assert torch.equal(same, mean)
    assert not torch.allclose(noisy, plain, atol=1e-3)


def test_shrunk_latents_are_held_against_the_shrunk_picture() -> None:
    made = objective(equivariance=1, noise=0.25)
    made.images = torch.rand(3, 4, 16, 16).half()
    seen = set()
    for seed in range(20):
        torch.manual_seed(seed)
        found = made.loss(echo := Echo(0.5), torch.tensor([0, 1]))
        assert found["l1"].item() == pytest.approx(0.5)
        seen.add(echo.shrink)
        assert echo.noise == 0.25
    assert seen == {2, 4}
    made.images = torch.rand(3, 4, 12, 12).half()  # neither goes
    made.loss(echo, torch.tensor([0]))
    assert echo.shrink == 1


def test_the_second_half_are_painted_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoencoder, "SHUFFLED", 0.0)
    made, echo = objective(), Echo()
    assert made.size == 6
    made.loss(echo, torch.tensor([2, 3]))
    palette = torch.from_numpy(bases.bundle().palette(3))
    assert torch.equal(echo.seen[0], torch.full((4, 8, 8), 0.2).half().float())
    corners = echo.seen[1][:, ::7, ::7].flatten(1).T
    assert torch.equal(corners, torch.cat([palette, torch.zeros(1, 4)]))


def test_shuffled_masks_hold_the_same_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoencoder, "SHUFFLED", 1.0)
    torch.manual_seed(0)
    made, seen = objective(), set()
    for _ in range(20):
        made.loss(echo := Echo(), torch.tensor([3]))
        corners = [tuple(c) for c in echo.seen[0][:, ::7, ::7].flatten(1).T.tolist()]
        assert corners[3] == (0, 0, 0, 0)
        seen.add(tuple(corners[:3]))
    codes = {tuple(c) for c in bases.bundle().palette(3).tolist()}
    assert len(seen) > 2
    assert all(set(s) == codes for s in seen)


def test_crops_have_the_asked_side() -> None:
    echo = Echo()
    objective(crop=4).loss(echo, torch.tensor([0, 5]))
    assert echo.seen.shape == (2, 4, 4, 4)
    objective(crop=99).loss(echo, torch.tensor([0]))
    assert echo.seen.shape == (1, 4, 8, 8)


def test_every_weight_of_the_autoencoder_learns() -> None:
    model = bases.bundle()
    model.vae.requires_grad_(True)
    made = AutoencoderObjective(
        model.vae, torch.rand(1, 4, 8, 8), LABELS[None], model.palette(3), VaeConfig(kl=1.0), "d4"
    )
    made.loss(made.module, torch.tensor([0, 1]))["loss"].backward()
    assert all(p.grad is not None for p in model.vae.parameters())


@pytest.mark.parametrize("masks", [True, False])
def test_the_pictures_of_the_next_step_are_announced(masks: bool) -> None:
    made = objective()
    images, labels = Announced(made.images[torch.arange(3)]), Announced(LABELS.expand(3, 8, 8))
    made.images, made.labels = images, labels if masks else None
    seen, index = [images, *([labels] if masks else [])], torch.tensor([0, 5, 2, 3] if masks else [2, 0])
    assert foretold(made, Echo(), seen, index)
