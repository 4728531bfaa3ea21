import pytest
import torch
from diffusers import ControlNetModel
from torch import Tensor, nn

from landloom.conditions.base import Condition
from landloom.conditions.group import Conditions
from landloom.conditions.mask import Mask
from landloom.conditions.ratios import Ratios, VectorTokens
from landloom.conditions.text import Text
from landloom.config.image_train import ImageTrainConfig
from landloom.data.symmetry import turn
from landloom.diffusion import controlnet
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.latent_cache import LatentCache
from landloom.diffusion.objective import DenoisingObjective, Proportion
from tests import bases
from tests.announced import Announced, foretold

ROWS = torch.arange(4)


class Seen(nn.Module):
    """Predicts zeros; keeps what it was given."""

    def __init__(self, conditions: Conditions) -> None:
        super().__init__()
        self.conditions = conditions

    def forward(self, x: Tensor, t: Tensor, given: dict[str, Tensor]) -> Tensor:
        self.x, self.t, self.given = x, t, given
        return torch.zeros_like(x)


def shown(cache: LatentCache, *conditions: Condition, rows: Tensor = ROWS) -> Seen:
    """A denoiser that was given rows of a cache's masks, under conditions."""
    torch.manual_seed(0)
    seen = Seen(Conditions(conditions))
    made = objective(seen, cache, cache.masks)
    made.loss(seen, rows)
    return seen


def objective(
    module: nn.Module, cache: LatentCache, latents: Tensor, min_snr: float = 5.0,
    term: Proportion | None = None, weight: float = 0.0,
) -> DenoisingObjective:  # fmt: skip
    schedule = bases.bundle().scheduler
    return DenoisingObjective(module, schedule, latents, cache.columns, min_snr, term, weight)  # type: ignore[arg-type]


@pytest.mark.parametrize(("dropout", "row"), [(0.0, 2), (0.999, 0)])
def test_labels_are_denoised_under_their_prompt(dropout: float, row: int) -> None:
    cache = bases.cache()
    seen = shown(cache, Text(cache.text, "prompt", dropout))
    assert seen.x.shape == (4, 4, 16, 16)
    assert len(seen.t) == 4
    assert torch.equal(seen.given["text"], cache.text[row].expand(4, -1, -1))


def vectors(words: float, dropout: float) -> tuple[Tensor, Tensor]:
    """To which of 400 samples no words and no ratios are told, for rates of both."""
    cache = bases.cache()
    own = Ratios(VectorTokens(3, 2, 32), 3, dropout)
    seen = shown(cache, Text(cache.text, "prompt", words), own, rows=ROWS.repeat(100))
    without = (seen.given["text"] == cache.text[0]).all(2).all(1)
    return without, (seen.given["ratios"] == 0).all(1)


def test_ratios_are_never_told_without_words() -> None:
    """Guidance goes away from the branch with neither: it must be as frequent as the dropped texts."""
    no_words, untold = vectors(0.3, 0)
    assert torch.equal(no_words, untold)
    assert 0.2 < no_words.float().mean() < 0.4
    no_words, untold = vectors(0.3, 0.3)
    assert untold[no_words].all()
    assert 0.2 < untold[~no_words].float().mean() < 0.4


def test_the_proportion_term_sees_true_latents_and_ratios() -> None:
    """A perfect prediction of the noise target must come out as the latents that were noised."""
    cache, scheduler = bases.cache(variants=1), bases.bundle().scheduler
    given: list[Tensor] = []

    def term(latents: Tensor, target: Tensor, signal: Tensor, valid: Tensor) -> Tensor:
        given.extend((latents, target, signal))
        return torch.tensor(3.0)

    class Perfect(Seen):
        def forward(self, x: Tensor, t: Tensor, given: dict[str, Tensor]) -> Tensor:
            self.t = t
            a = scheduler.alphas_cumprod[t].view(-1, 1, 1, 1)
            noise = (x - a.sqrt() * cache.masks[:, 0]) / (1 - a).sqrt()
            return scheduler.get_velocity(cache.masks[:, 0], noise, t)

    perfect = Perfect(Conditions([]))
    found = objective(perfect, cache, cache.masks, 0, term, 0.5).loss(perfect, ROWS)
    assert found["loss"].item() == pytest.approx(1.5, abs=1e-6)
    assert found["ldm"].item() == pytest.approx(0, abs=1e-6)
    assert torch.allclose(given[0], cache.masks[:, 0], atol=1e-3)
    assert torch.equal(given[1], cache.ratios)
    assert torch.equal(given[2], scheduler.alphas_cumprod[perfect.t])


def test_images_are_denoised_under_their_turned_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = bases.cache(variants=8)
    cache.masks = torch.stack([turn(cache.labels, i) for i in range(8)], 1)[:, :, None].float()
    monkeypatch.setattr(
        "landloom.diffusion.objective.add_noise", lambda s, x: (x, torch.zeros(len(x)).long(), x)
    )
    seen = shown(cache, Mask(3), Text(cache.text, "caption", 0.0), rows=ROWS.repeat(4))
    assert torch.equal(seen.given["mask"].float(), seen.x[:, 0])
    assert not torch.equal(seen.given["mask"], cache.labels.repeat(4, 1, 1))
    assert torch.equal(seen.given["text"], cache.text[1].expand(16, -1, -1))


def test_only_the_controlnet_learns() -> None:
    model, cache = bases.bundle(), bases.cache()
    made = ControlNetModel.from_unet(
        model.unet, conditioning_embedding_out_channels=(8, 8), conditioning_channels=3
    ).requires_grad_(True)
    controlnet.adapt(model, ImageTrainConfig())
    told = bases.denoiser(model, Mask(3), words=cache.text, controlnet=made)
    for p in made.controlnet_mid_block.parameters():  # zero at the start, which would stop the gradient
        nn.init.ones_(p)
    objective(told, cache, cache.images).loss(told, ROWS)["loss"].backward()
    assert all(p.grad is not None for p in made.parameters())
    assert made.controlnet_cond_embedding.conv_in.weight.grad is not None
    frozen = [p for part in (model.unet, model.vae, model.text_encoder) for p in part.parameters()]
    assert all(p.grad is None for p in frozen)


@pytest.mark.parametrize(("dropout", "kept"), [(0.0, True), (0.999, False)])
def test_base_trains_denoiser_and_text_encoder_together(dropout: float, kept: bool) -> None:
    torch.manual_seed(0)
    model = bases.bundle()
    model.unet.requires_grad_(True)
    model.text_encoder.requires_grad_(True)
    tokens = model.tokens(["", *bases.TEXTS, *bases.TEXTS])
    text = Text(tokens, "caption", dropout, model.text_encoder)
    told, columns = Denoiser(model, Conditions([text])), {"caption": 1 + ROWS}
    made = DenoisingObjective(told, model.scheduler, torch.randn(4, 2, 4, 16, 16), columns, 5.0)
    given = made.drawn(ROWS)[1]["text"]
    assert torch.equal(given, tokens[1:] if kept else tokens[:1].expand(4, -1))
    made.loss(told, ROWS)["loss"].backward()
    learning = [*model.unet.parameters(), *model.text_encoder.parameters()]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in learning)


@pytest.mark.parametrize("told", [False, True])
def test_just_what_the_next_step_reads_is_announced(told: bool) -> None:
    """Its variants, texts and masks; masks only where something reads them."""
    cache = bases.cache(8)
    latents, text, labels = (Announced(t) for t in (cache.images, cache.text, cache.labels))  # type: ignore[arg-type]
    cache.text, cache.labels = text, labels
    members: list[Condition] = [Text(text, "caption", 0.5), *([Mask(3)] if told else [])]
    seen = Seen(Conditions(members))
    made = DenoisingObjective(seen, bases.bundle().scheduler, latents, cache.columns, 5.0)  # type: ignore[arg-type]
    assert foretold(made, seen, [latents, text, *([labels] if told else [])], torch.arange(8))
    assert bool(labels.announced) == told
