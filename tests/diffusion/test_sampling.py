from typing import Any

import pytest
import torch
from torch import Tensor

from landloom.config.label_sample import Sampling
from landloom.diffusion.bundle import Bundle
from landloom.diffusion.sampling import batches, noise, sample, taken
from tests import bases

SEEDS = [11, 12, 13]


@pytest.fixture(scope="module")
def model() -> Bundle:
    return bases.bundle()


def draw(
    model: Bundle, seeds: list[int], guidance: float = 2.0, text: str = "a river", **more: Any
) -> Tensor:
    words = model.embed([f"{text} {s}" for s in seeds])
    config = Sampling(steps=3, guidance=guidance)
    return sample(model, words, model.embed([""])[0], seeds, config, 8, **more)


def test_noise_depends_on_the_seed_alone() -> None:
    together = noise(SEEDS, (4, 8, 8))
    assert all(torch.equal(together[i], noise([s], (4, 8, 8))[0]) for i, s in enumerate(SEEDS))
    assert not torch.equal(together[0], together[1])


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_batching_does_not_change_a_sample(model: Bundle, guidance: float) -> None:
    torch.manual_seed(0)
    together = draw(model, SEEDS, guidance)
    torch.manual_seed(1)  # the global generator plays no part
    apart = torch.cat([draw(model, [s], guidance) for s in SEEDS])
    assert torch.allclose(together, apart, atol=1e-4)
    assert together.std() > 0.1


def test_guidance_1_is_the_text_alone(model: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    plain = model.unet.forward

    def counted(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        rows.append(len(x))
        return plain(x, *args, **kwargs)

    monkeypatch.setattr(model.unet, "forward", counted)
    without, with_both = draw(model, SEEDS, 1.0), draw(model, SEEDS, 1 + 1e-6)
    assert rows == [3, 3, 3, 6, 6, 6]
    assert torch.allclose(without, with_both, atol=1e-4)


def test_guidance_goes_away_from_the_empty_text(model: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A denoiser that answers with the mean of its text: one step shows e + g (c - e)."""
    monkeypatch.setattr(
        model.unet, "forward", lambda x, t, words, **_: (words.mean((1, 2))[:, None, None, None] + 0 * x,)
    )
    empty, text = torch.full((77, 32), 1.0), torch.full((1, 77, 32), 3.0)
    found = sample(model, text, empty, [5], Sampling(steps=1, guidance=2.5), 8)
    # From pure noise, v-prediction steps to -v.
    assert torch.allclose(found, torch.full_like(found, -(1 + 2.5 * 2)), atol=1e-3)


def test_tokens_of_zeros_change_nothing(model: Bundle) -> None:
    text, empty, config = model.embed(["a river"]), model.embed([""])[0], Sampling(steps=3, guidance=2.0)
    longer, none = (torch.cat([x, torch.zeros_like(x[..., :2, :])], -2) for x in (text, empty))
    found, expected = (sample(model, t, e, [5], config, 8) for t, e in ((longer, none), (text, empty)))
    assert torch.allclose(found, expected, atol=1e-4)


def test_residuals_are_added(model: Bundle) -> None:
    def at(x: Tensor, t: Tensor, text: Tensor) -> dict[str, Any]:
        assert len(x) == len(text) == 6
        down = [torch.zeros(1)] * 4
        return {
            "down_block_additional_residuals": down,
            "mid_block_additional_residual": torch.ones(6, 32, 4, 4),
        }

    assert not torch.allclose(draw(model, SEEDS), draw(model, SEEDS, residuals=at), atol=1e-3)


def test_slices_cover_the_count() -> None:
    assert [list(range(5))[s] for s in batches(5, 2)] == [[0, 1], [2, 3], [4]]
    assert list(batches(0, 2)) == []


@pytest.mark.parametrize("solver", ["unipc", "dpm++"])
def test_a_start_is_kept_as_far_as_its_noise_lets(model: Bundle, solver: str) -> None:
    start = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    config = Sampling(steps=20, guidance=1)
    words, empty = model.embed(["a river"] * 3), model.embed([""])[0]
    far = []
    for strength in (0.05, 0.5, 1.0):
        found = sample(model, words, empty, SEEDS, config, 8, start=start, strength=strength, solver=solver)
        far.append(float((found - start).square().mean()))
    assert far[0] < 0.2 < 0.5 * far[2]
    assert far[0] < far[1] < far[2]


def test_a_start_takes_its_share_of_the_steps(model: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    plain = model.unet.forward

    def counted(x: Tensor, t: Tensor, *args: Any, **kwargs: Any) -> Any:
        seen.append(int(t))
        return plain(x, t, *args, **kwargs)

    monkeypatch.setattr(model.unet, "forward", counted)
    words, start = model.embed(["a river"]), torch.zeros(1, 4, 8, 8)
    config = Sampling(steps=10, guidance=1)
    sample(model, words, model.embed([""])[0], [1], config, 8, start=start, strength=0.3)
    assert len(seen) == taken(10, 0.3) == 3
    assert max(seen) <= 300
    assert [taken(20, s) for s in (0.29, 0.3, 0.001, 1)] == [5, 6, 1, 20]
