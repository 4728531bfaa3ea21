import pytest
import torch
from diffusers import ControlNetModel
from torch import Tensor, nn

from landloom.conditions import vector
from landloom.conditions.mask import one_hot
from landloom.conditions.vector import VectorTokens
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_train import LabelTrainConfig, VectorConfig
from landloom.diffusion.denoising import BaseObjective, ImageObjective, LabelObjective, VectorDenoiser
from landloom.diffusion.symmetry import turn
from tests import bases

ROWS = torch.arange(4)


class Seen(nn.Module):
    """Predicts zeros; keeps what it was given."""

    def forward(self, *given: Tensor, **_: bool) -> tuple[Tensor]:
        self.given = given
        return (torch.zeros_like(given[0]),)


@pytest.mark.parametrize(("dropout", "row"), [(0.0, 2), (0.999, 0)])
def test_labels_are_denoised_under_their_prompt(dropout: float, row: int) -> None:
    torch.manual_seed(0)
    cache, seen = bases.cache(), Seen()
    config = LabelTrainConfig(caption_dropout=dropout)
    LabelObjective(seen, bases.bundle().scheduler, cache, config, None, 0.0).loss(seen, ROWS)
    noisy, t, text = seen.given
    assert noisy.shape == (4, 4, 16, 16)
    assert len(t) == 4
    assert torch.equal(text, cache.text[row].expand(4, -1, -1))


def vectors(dropout: float, told: VectorConfig) -> tuple[Tensor, Tensor]:
    """Texts and ratio vectors that 400 samples learn under."""
    torch.manual_seed(0)
    cache, seen = bases.cache(), Seen()
    config = LabelTrainConfig(caption_dropout=dropout)
    tokens = VectorTokens(3, 2, 32)
    made = LabelObjective(seen, bases.bundle().scheduler, cache, config, None, 0.0, tokens, told)
    made.loss(lambda *given: seen(*given)[0], ROWS.repeat(100))  # type: ignore[arg-type]
    without = (seen.given[2] == cache.text[0]).all(2).all(1)
    return without, (seen.given[3] == 0).all(1)


def test_ratios_are_never_told_without_words() -> None:
    """Guidance goes away from the branch with neither: it must be as frequent as the dropped texts."""
    no_words, untold = vectors(0.3, VectorConfig(dropout=0, partial=0))
    assert torch.equal(no_words, untold)
    assert 0.2 < no_words.float().mean() < 0.4
    no_words, untold = vectors(0.3, VectorConfig(dropout=0.3, partial=0))
    assert untold[no_words].all()
    assert 0.2 < untold[~no_words].float().mean() < 0.4


def test_nothing_told_is_the_text_alone() -> None:
    model = bases.bundle()
    tokens = VectorTokens(3, 2, 32)
    made = VectorDenoiser(model.unet, tokens)
    nn.init.normal_(tokens.layers[2].weight)
    x, t, text = torch.randn(2, 4, 16, 16), torch.tensor([3, 700]), torch.randn(2, 7, 32)
    alone = model.unet(x, t, text, return_dict=False)[0]
    told = vector.encode(torch.tensor([[0.5, 0.2, 0.3]] * 2), torch.tensor([[False] * 3, [True] * 3]))
    found = made(x, t, text, told)
    assert torch.allclose(found[0], alone[0], atol=1e-5)
    assert not torch.allclose(found[1], alone[1], atol=1e-3)


def test_the_proportion_term_sees_true_latents_and_ratios(monkeypatch: pytest.MonkeyPatch) -> None:
    """A perfect prediction of the noise target must come out as the latents that were noised."""
    cache, scheduler = bases.cache(variants=1), bases.bundle().scheduler
    config = LabelTrainConfig(caption_dropout=0.0, min_snr=0)
    given: list[Tensor] = []

    def term(latents: Tensor, target: Tensor, signal: Tensor, valid: Tensor) -> Tensor:
        given.extend((latents, target, signal))
        return torch.tensor(3.0)

    class Perfect(nn.Module):
        def forward(self, noisy: Tensor, t: Tensor, text: Tensor, return_dict: bool) -> tuple[Tensor]:
            self.t = t
            a = scheduler.alphas_cumprod[t].view(-1, 1, 1, 1)
            noise = (noisy - a.sqrt() * cache.masks[:, 0]) / (1 - a).sqrt()
            return (scheduler.get_velocity(cache.masks[:, 0], noise, t),)

    perfect = Perfect()
    found = LabelObjective(perfect, scheduler, cache, config, term, 0.5).loss(perfect, ROWS)
    assert found["loss"].item() == pytest.approx(1.5, abs=1e-6)
    assert found["ldm"].item() == pytest.approx(0, abs=1e-6)
    assert torch.allclose(given[0], cache.masks[:, 0], atol=1e-3)
    assert torch.equal(given[1], cache.ratios)
    assert torch.equal(given[2], scheduler.alphas_cumprod[perfect.t])


def test_images_are_denoised_under_their_turned_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    cache, seen = bases.cache(variants=8), Seen()
    model = bases.bundle()
    made = ImageObjective(seen, model, cache, 3, ImageTrainConfig(caption_dropout=0.0))  # type: ignore[arg-type]
    variants = torch.tensor([0, 3, 5, 7])
    monkeypatch.setattr(made.batches, "variants", lambda rows: variants)
    cache.images = variants_of(cache.labels)
    monkeypatch.setattr(
        "landloom.diffusion.denoising.add_noise", lambda s, x: (x, torch.zeros(len(x)).long(), x)
    )
    made.loss(lambda *given: seen(*given)[0], ROWS)  # type: ignore[arg-type]
    latents, _, text, hint = seen.given
    assert torch.equal(hint.argmax(1).float(), latents[:, 0])
    assert torch.equal(hint[1], one_hot(turn(cache.labels[1], 3)[None], 3)[0])
    assert torch.equal(text, cache.text[1].expand(4, -1, -1))


def variants_of(labels: Tensor) -> Tensor:
    """The masks themselves as latents (N, 8, 1, H, W)."""
    return torch.stack([turn(labels, i) for i in range(8)], 1)[:, :, None].float()


def test_only_the_controlnet_learns() -> None:
    model = bases.bundle()
    control = ControlNetModel.from_unet(
        model.unet, conditioning_embedding_out_channels=(8, 8), conditioning_channels=3
    )
    made = ImageObjective(control.requires_grad_(True), model, bases.cache(), 3, ImageTrainConfig())
    for p in control.controlnet_mid_block.parameters():  # zero at the start, which would stop the gradient
        nn.init.ones_(p)
    made.loss(made.module, ROWS)["loss"].backward()
    assert all(p.grad is not None for p in control.parameters())
    assert control.controlnet_cond_embedding.conv_in.weight.grad is not None
    frozen = [p for part in (model.unet, model.vae, model.text_encoder) for p in part.parameters()]
    assert all(p.grad is None for p in frozen)


def test_base_trains_denoiser_and_text_encoder_together() -> None:
    model = bases.bundle()
    model.unet.requires_grad_(True)
    model.text_encoder.requires_grad_(True)
    tokens = model.tokens([*bases.TEXTS, *bases.TEXTS])
    latents = torch.randn(4, 2, 4, 16, 16)
    made = BaseObjective(model, latents, tokens, model.tokens([""])[0], bases.UNET)
    made.loss(made.module, ROWS)["loss"].backward()
    learning = [*model.unet.parameters(), *model.text_encoder.parameters()]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in learning)


@pytest.mark.parametrize(("dropout", "kept"), [(0.0, True), (0.999, False)])
def test_base_drops_captions(dropout: float, kept: bool) -> None:
    torch.manual_seed(0)
    model, seen = bases.bundle(), Seen()
    tokens, empty = model.tokens([*bases.TEXTS, *bases.TEXTS]), model.tokens([""])[0]
    config = bases.UNET.model_copy(update={"caption_dropout": dropout})
    made = BaseObjective(model, torch.randn(4, 2, 4, 16, 16), tokens, empty, config)
    made.loss(lambda *given: seen(*given)[0], ROWS)  # type: ignore[arg-type]
    assert torch.equal(seen.given[2], tokens if kept else empty.expand(4, -1))
