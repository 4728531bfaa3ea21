import math

import pytest
import torch
from peft import LoraConfig
from torch import Tensor

from landloom.config.label_train import LabelTrainConfig, ProportionLoss
from landloom.data.symmetry import turn
from landloom.diffusion.latent_cache import LatentCache
from landloom.diffusion.objective import DenoisingObjective, Proportion
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.raster.labels import IGNORE
from landloom.ratio_control import proportion
from landloom.ratio_control.proportion import LatentProbe, ProbeObjective, ProportionTerm
from tests import bases
from tests.announced import Announced, foretold

GUESS, TARGET = torch.tensor([[0.5, 0.25, 0.25]]), torch.tensor([[0.25, 0.75, 0.0]])


def objective(model: StableDiffusion, data: LatentCache, term: Proportion) -> DenoisingObjective:
    """Of masks under their prompts."""
    told = bases.denoiser(model, words=data.text, column="prompt", dropout=0.0)
    return DenoisingObjective(told, model.scheduler, data.masks, data.columns, 5.0, term, 0.1)


def test_decoded_proportions_by_hand() -> None:
    # Pixels of two colours at distance 2: soft shares of each pixel are sigmoid(+-4 / temperature).
    palette = torch.tensor([[1.0], [-1.0]])
    picture = torch.tensor([1.0, 1.0, 1.0, -1.0]).view(1, 1, 2, 2)
    sure = 1 / (1 + math.exp(-4 / 2))
    found = proportion.decoded(lambda x: x, palette, 2.0)(picture, None)
    assert found[0].tolist() == pytest.approx([(3 * sure + 1 - sure) / 4, (sure + 3 * (1 - sure)) / 4])


def test_decoded_proportions_of_painted_masks_are_the_shares() -> None:
    palette = torch.from_numpy(bases.bundle().palette(3))
    labels = torch.tensor([[0, 0, 0, 1], [2, 2, 0, 0]])
    picture = palette[labels].movedim(-1, 0)[None]
    found = proportion.decoded(lambda x: x, palette, 0.08)(picture, None)
    assert found[0].tolist() == pytest.approx([5 / 8, 1 / 8, 2 / 8])


def test_probe_proportions_by_hand() -> None:
    # Weights that pass the latent through: logits are silu(silu(x)) and 0.
    probe = LatentProbe(1, 2, width=1)
    for name, value in probe.named_parameters():
        value.data.zero_()
        if name in ("layers.0.weight", "layers.2.weight"):
            value.data[0, 0, 1, 1] = 1
    probe.layers[4].weight.data[0] = 1
    latents = torch.tensor([2.0, 0.0]).view(1, 1, 1, 2)
    silu = 2 / (1 + math.exp(-2))
    silu = silu / (1 + math.exp(-silu))
    first = (1 / (1 + math.exp(-silu)) + 0.5) / 2
    assert probe.proportions(latents)[0].tolist() == pytest.approx([first, 1 - first])


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("l1", 1.0),
        ("mse", 0.25**2 + 0.5**2 + 0.25**2),
        ("kl", 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.25)),
    ],
)
def test_distances_by_hand(kind: str, wanted: float) -> None:
    assert proportion.distance(GUESS, TARGET, kind).tolist() == pytest.approx([wanted])
    assert proportion.distance(TARGET, TARGET, kind).tolist() == pytest.approx([0])


@pytest.mark.parametrize(
    ("timesteps", "wanted"), [("alpha_bar", (0.8 * 1 + 0.1 * 0.5) / 2), ("uniform", 0.75)]
)
def test_the_term_weighs_by_the_signal(timesteps: str, wanted: float) -> None:
    term = ProportionTerm(lambda x, valid: x, ProportionLoss(timesteps=timesteps))  # type: ignore[arg-type]
    guess = torch.tensor([[0.5, 0.5], [0.25, 0.75]])
    target = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    assert term(guess, target, torch.tensor([0.8, 0.1])).item() == pytest.approx(wanted)


def test_probe_loss_of_pure_cells_by_hand() -> None:
    # An untaught probe (all logits 0) is ln K wrong in cells with a class; ignored cells do not count.
    probe = LatentProbe(1, 3)
    for p in probe.parameters():
        p.data.zero_()
    labels = torch.full((1, 4, 4), IGNORE, dtype=torch.uint8)
    labels[0, :2] = 1
    loss = ProbeObjective(probe, torch.randn(1, 8, 1, 2, 2), labels, 3).loss(probe, torch.tensor([0]))["loss"]
    assert loss.item() == pytest.approx(math.log(3), rel=1e-5)


def test_a_half_ignored_mask_is_met_by_its_valid_half() -> None:
    """Cells without a class are of no class: what a prediction holds there says nothing about the ratios."""
    labels = torch.full((1, 8, 8), IGNORE, dtype=torch.uint8)
    labels[:, :, :4] = torch.tensor([0, 0, 1, 2])
    palette = torch.from_numpy(bases.bundle().palette(3))
    picture = palette[labels.clamp_max(2).long()].movedim(-1, 1)  # the ignored half shows class 2
    valid = (labels != IGNORE)[:, None].float()
    term = ProportionTerm(proportion.decoded(lambda x: x, palette, 0.05), ProportionLoss())
    given = picture, torch.tensor([[0.5, 0.25, 0.25]]), torch.ones(1)
    assert term(*given, valid).item() == pytest.approx(0, abs=1e-5)
    assert term(*given).item() > 0.5


def test_cells_weigh_by_their_valid_share() -> None:
    shares = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])[None]  # one cell of each class
    valid = torch.tensor([[1.0, 1, 0, 1], [1, 1, 0, 0]])[None, None]
    assert proportion.mean_over(shares, valid)[0].tolist() == pytest.approx([0.8, 0.2])
    assert proportion.mean_over(shares, torch.ones_like(valid)).tolist() == [[0.5, 0.5]]
    assert proportion.mean_over(shares, torch.zeros_like(valid)).tolist() == [[0, 0]]


def test_valid_pixels_turn_with_the_latents() -> None:
    data, model = bases.cache(4, 8), bases.bundle()
    data.labels[:, :, :5] = IGNORE
    unknown = (data.labels == IGNORE)[:, None].float()
    data.masks = torch.stack([turn(unknown, v)[..., ::2, ::2] for v in range(8)], 1)
    data.masks = data.masks.expand(-1, -1, 4, -1, -1)
    seen = []

    def term(latents: Tensor, target: Tensor, signal: Tensor, valid: Tensor) -> Tensor:
        seen.append(valid)
        return latents.sum() * 0

    made = objective(model, data, term)
    torch.manual_seed(3)
    made.loss(made.module, torch.arange(4))
    torch.manual_seed(3)
    drawn = made.drawn(torch.arange(4))[0][:, :1]
    assert not torch.equal(drawn, data.masks[:, 0, :1])  # some are turned
    assert torch.equal(seen[0][:, :, ::2, ::2], 1 - drawn)


def route(name: str, model: StableDiffusion) -> proportion.Proportions:
    if name == "probe":
        torch.manual_seed(2)
        return LatentProbe(4, 3).requires_grad_(False).proportions
    return proportion.decoded(model.decode, torch.from_numpy(model.palette(3)), 0.5)


@pytest.mark.parametrize("name", ["probe", "decode"])
def test_gradients_reach_every_lora_tensor_and_nothing_else(name: str) -> None:
    model = bases.bundle()
    model.unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=LabelTrainConfig().targets))
    for key, p in model.unet.named_parameters():
        if "lora_B" in key:  # zero at the start, which would stop the gradient of lora_A
            torch.nn.init.normal_(p)
    terms = []

    def only_term(latents: Tensor, target: Tensor, signal: Tensor, valid: Tensor) -> Tensor:
        terms.append(ProportionTerm(route(name, model), ProportionLoss())(latents, target, signal, valid))
        return terms[0]

    made = objective(model, bases.cache(), only_term)
    made.loss(made.module, torch.arange(4))
    terms[0].backward()
    parts = [model.unet, model.vae, model.text_encoder]
    found = {n: p.grad for part in parts for n, p in part.named_parameters()}
    adapters = {n for n in found if "lora_" in n}
    assert len(adapters) > 20
    assert {n for n, g in found.items() if g is not None} == adapters
    assert all(bool((found[n] != 0).any()) for n in adapters)  # type: ignore[union-attr]


def test_the_variants_and_masks_of_the_next_step_are_announced_to_the_probe() -> None:
    cache = bases.cache(8)
    rows = [Announced(values[torch.arange(8)]) for values in (cache.masks, cache.labels)]
    made = ProbeObjective(LatentProbe(4, 3), *rows, 3)
    assert foretold(made, made.module, rows, torch.arange(8))
