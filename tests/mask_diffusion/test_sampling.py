import pytest
import torch
from torch import Tensor

from landloom.config.label_sample import Control, LabelSampleConfig
from landloom.mask_diffusion.network import MaskDenoiser
from landloom.mask_diffusion.objective import shares
from landloom.mask_diffusion.sampling import sample, temperature
from tests.mask_diffusion.conftest import CLASSES

ON = LabelSampleConfig(steps=8)
OFF = LabelSampleConfig(steps=8, control=Control(histogram=False))
NAN = float("nan")


def drawn(model: MaskDenoiser, target: list[float], config: LabelSampleConfig, count: int = 16) -> Tensor:
    ratios = torch.tensor([target] * count)
    masks, _ = sample(model, ratios.nan_to_num(), ~ratios.isnan(), range(count), config)
    return masks


def got(model: MaskDenoiser, target: list[float], config: LabelSampleConfig) -> Tensor:
    return shares(drawn(model, target, config), CLASSES)


def test_every_pixel_gets_a_class(model: MaskDenoiser) -> None:
    found = drawn(model, [0.5, 0.5, 0, 0], ON)
    assert set(found.unique().tolist()) <= set(range(CLASSES))


@pytest.mark.parametrize("config", [OFF, ON])
def test_doubling_a_target_raises_the_share(model: MaskDenoiser, config: LabelSampleConfig) -> None:
    low, high = (got(model, [t, 1 - t, 0, 0], config)[:, 0].mean() for t in (0.3, 0.6))
    assert high > low + 0.15


def test_histogram_guidance_meets_the_target(model: MaskDenoiser) -> None:
    target = [0.2, 0.8, 0, 0]
    errors = [(got(model, target, c) - torch.tensor(target)).abs().mean().item() for c in (OFF, ON)]
    assert errors[1] < 0.02
    assert errors[1] < errors[0]


def test_histogram_guidance_works_against_the_network(model: MaskDenoiser) -> None:
    """Nothing like this was ever seen: all four classes in one mask."""
    found = got(model, [0.25] * 4, ON)
    assert (found - 0.25).abs().mean() < 0.02


def test_partial_targets_are_met_and_the_rest_falls_as_in_training(model: MaskDenoiser) -> None:
    found = got(model, [0.25, NAN, NAN, NAN], ON)
    assert (found[:, 0] - 0.25).abs().mean() < 0.02
    # Class 0 only ever meets class 1; nothing but the network knows that.
    assert found[:, 1].mean() > 0.6
    assert found[:, 2:].sum(1).mean() < 0.12


def test_nothing_named_is_no_condition(model: MaskDenoiser) -> None:
    """What stands in the place of shares that are not told has no effect, with guidance or without."""
    for config in (ON, OFF, OFF.model_copy(update={"vector_guidance": 3.0})):
        known = torch.zeros(4, CLASSES, dtype=torch.bool)
        a, b = (sample(model, r, known, range(4), config)[0] for r in (torch.zeros(4, 4), torch.rand(4, 4)))
        assert torch.equal(a, b)
    free = sample(model, torch.zeros(4, 4), known, range(4), OFF)[0]
    guided = sample(
        model, torch.zeros(4, 4), known, range(4), OFF.model_copy(update={"vector_guidance": 3.0})
    )[0]
    assert torch.equal(free, guided)


def test_vector_guidance_strengthens_the_ratios(model: MaskDenoiser) -> None:
    """Asked for one pair of classes and for the other: at 0 both get what the network draws untold."""

    def unwanted(guidance: float) -> float:
        config = OFF.model_copy(update={"vector_guidance": guidance})
        one, other = (got(model, t, config) for t in ([0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]))
        return float(one[:, 2:].sum() + other[:, :2].sum())

    assert unwanted(2.0) < 0.5 * unwanted(0.0)


def test_batches_do_not_matter(model: MaskDenoiser) -> None:
    ratios, known = torch.full((3, CLASSES), 0.25), torch.ones(3, CLASSES, dtype=torch.bool)
    together = sample(model, ratios, known, [7, 8, 9], ON)[0]
    alone = torch.cat([sample(model, ratios[:1], known[:1], [s], ON)[0] for s in (7, 8, 9)])
    assert (together == alone).float().mean() > 0.99
    assert not torch.equal(together[0], together[1])


def test_without_refinement_each_pixel_is_drawn_once(model: MaskDenoiser) -> None:
    rough = drawn(model, [0.5, 0.5, 0, 0], ON.model_copy(update={"refine": 0, "steps": 3}))
    fine = drawn(model, [0.5, 0.5, 0, 0], ON.model_copy(update={"refine": 4, "steps": 3}))
    edges = [(m[:, :, 1:] != m[:, :, :-1]).float().mean() for m in (rough, fine)]
    assert edges[1] < edges[0]


def test_temperature_falls_from_one() -> None:
    assert temperature(0.5, 0, 100) == 1
    assert 0.5 < temperature(0.5, 50, 100) < temperature(0.5, 5, 100) < 1
    assert temperature(0.5, 100, 100) == 0.5


def test_saved_and_loaded_it_is_the_same(model: MaskDenoiser, tmp_path: object) -> None:
    model.save_pretrained(tmp_path)
    again = MaskDenoiser.from_pretrained(tmp_path).eval()
    assert torch.equal(drawn(again, [0.5, 0.5, 0, 0], ON), drawn(model, [0.5, 0.5, 0, 0], ON))


def test_bf16_is_close_to_fp32_and_not_the_same(model: MaskDenoiser) -> None:
    plain, half = (
        sample(model, torch.full((4, CLASSES), 0.25), torch.ones(4, CLASSES, dtype=torch.bool), range(4), c)[
            1
        ]
        for c in (ON, ON.model_copy(update={"precision": "bf16"}))
    )
    assert half.dtype == torch.float32
    assert not torch.equal(plain, half)
    assert (plain.softmax(1) - half.softmax(1)).abs().mean() < 0.05
