from typing import Any

import pytest
import torch
from torch import Tensor

from landloom.conditions.group import Conditions
from landloom.conditions.mask import Mask
from landloom.conditions.ratios import Ratios, VectorTokens
from landloom.conditions.text import Text
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.sampling import Guidance, Guided, guidance, noise, sample, taken
from landloom.errors import InputError
from landloom.models.families.stable_diffusion import StableDiffusion
from tests import bases

SEEDS = [11, 12, 13]


@pytest.fixture(scope="module")
def model() -> StableDiffusion:
    return bases.bundle()


def draw(
    model: StableDiffusion, seeds: list[int], scale: float = 2.0, text: str = "a river", **more: Any
) -> Tensor:
    told = bases.denoiser(model)
    guides = guidance(told.conditions, "text", scale, "guidance")
    given = {"text": model.embed([f"{text} {s}" for s in seeds])}
    return sample(told, model.scheduler, given, seeds, 3, 8, guides, **more)


def test_noise_depends_on_the_seed_alone() -> None:
    together = noise(SEEDS, (4, 8, 8))
    assert all(torch.equal(together[i], noise([s], (4, 8, 8))[0]) for i, s in enumerate(SEEDS))
    assert not torch.equal(together[0], together[1])


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_batching_does_not_change_a_sample(model: StableDiffusion, guidance: float) -> None:
    torch.manual_seed(0)
    together = draw(model, SEEDS, guidance)
    torch.manual_seed(1)  # the global generator plays no part
    apart = torch.cat([draw(model, [s], guidance) for s in SEEDS])
    assert torch.allclose(together, apart, atol=1e-4)
    assert together.std() > 0.1


def test_guidance_1_is_the_text_alone(model: StableDiffusion, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    plain = model.unet.forward

    def counted(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        rows.append(len(x))
        return plain(x, *args, **kwargs)

    monkeypatch.setattr(model.unet, "forward", counted)
    without, with_both = draw(model, SEEDS, 1.0), draw(model, SEEDS, 1 + 1e-6)
    assert rows == [3, 3, 3, 6, 6, 6]
    assert torch.allclose(without, with_both, atol=1e-4)


def test_guidance_goes_away_from_the_empty_text(
    model: StableDiffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A denoiser that answers with the mean of its text: one step shows e + g (c - e)."""
    monkeypatch.setattr(
        model.unet, "forward", lambda x, t, words, **_: (words.mean((1, 2))[:, None, None, None] + 0 * x,)
    )
    told = bases.denoiser(model, words=torch.full((1, 77, 32), 1.0))
    given, guides = {"text": torch.full((1, 77, 32), 3.0)}, guidance(told.conditions, "text", 2.5, "guidance")
    found = sample(told, model.scheduler, given, [5], 1, 8, guides)
    # From pure noise, v-prediction steps to -v.
    assert torch.allclose(found, torch.full_like(found, -(1 + 2.5 * 2)), atol=1e-3)


def test_guidance_adds_up_over_what_is_left_out(
    model: StableDiffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A denoiser that answers with the sum of what it is told: each direction has its own length."""
    ratios = Ratios(VectorTokens(2, 1, 32), 2, 0.1)
    told = bases.denoiser(model, ratios, words=torch.zeros(1, 77, 32))

    def answer(x: Tensor, t: Tensor, given: dict[str, Tensor]) -> Tensor:
        told = given["text"].mean((1, 2)) + 10 * given["ratios"].mean(1)
        return told[:, None, None, None] + 0 * x

    monkeypatch.setattr(told, "enter", lambda given, dtype: given)
    monkeypatch.setattr(told, "predicted", answer)
    given = {"text": torch.ones(1, 77, 32), "ratios": torch.ones(1, 6)}
    guides = [
        *guidance(told.conditions, "text", 3.0, "guidance"),
        *guidance(told.conditions, "ratios", 1.5, "vector_guidance"),
    ]
    found = Guided(told, given, guides)(torch.zeros(1, 4, 8, 8), torch.tensor(3))
    assert found.unique().tolist() == [11 + 2 * 11 + 0.5 * 10]  # without words, there are no ratios either


@pytest.mark.parametrize(
    ("names", "dropout", "wrong"),
    [
        (
            {"mask"},
            0.1,
            r"the model never learned without mask; it was told text \(dropout 0.1\), .*, mask",
        ),
        ({"text", "ratios"}, 0.0, r"never learned without ratios and text"),
        ({"text"}, 0.1, r"was never told ratios without them"),
        ({"sun"}, 0.1, r"knows no sun; it was told text"),
    ],
)
def test_guidance_by_what_was_never_left_out_is_refused(
    model: StableDiffusion, names: set[str], dropout: float, wrong: str
) -> None:
    members = [
        Text(torch.zeros(1, 7, 32), "caption", dropout), Ratios(None, 2, dropout), Mask(2),
    ]  # fmt: skip
    told = Denoiser(model, Conditions(members, "the model"))
    with pytest.raises(InputError, match=rf"^image_sample\.guidance: asks for .*{wrong}"):
        sample(told, model.scheduler, {}, [1], 1, 8, [Guidance(1, frozenset(names), "image_sample.guidance")])


@pytest.mark.parametrize("solver", ["unipc", "dpm++"])
def test_a_start_is_kept_as_far_as_its_noise_lets(model: StableDiffusion, solver: str) -> None:
    start = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    told, given = bases.denoiser(model), {"text": model.embed(["a river"] * 3)}
    far = []
    for strength in (0.05, 0.5, 1.0):
        how = {"start": start, "strength": strength, "solver": solver}
        found = sample(told, model.scheduler, given, SEEDS, 20, 8, **how)  # type: ignore[arg-type]
        far.append(float((found - start).square().mean()))
    assert far[0] < 0.2 < 0.5 * far[2]
    assert far[0] < far[1] < far[2]


def test_a_start_takes_its_share_of_the_steps(
    model: StableDiffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    plain = model.unet.forward

    def counted(x: Tensor, t: Tensor, *args: Any, **kwargs: Any) -> Any:
        seen.append(int(t))
        return plain(x, t, *args, **kwargs)

    monkeypatch.setattr(model.unet, "forward", counted)
    told, given, start = bases.denoiser(model), {"text": model.embed(["a river"])}, torch.zeros(1, 4, 8, 8)
    sample(told, model.scheduler, given, [1], 10, 8, start=start, strength=0.3)
    assert len(seen) == taken(10, 0.3) == 3
    assert max(seen) <= 300
    assert [taken(20, s) for s in (0.29, 0.3, 0.001, 1)] == [5, 6, 1, 20]
