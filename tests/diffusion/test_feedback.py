import pytest
import torch
from torch import Tensor, nn

from landloom.config.image_sample import Feedback
from landloom.diffusion.feedback import JudgeFeedback
from tests import bases

MASKS = torch.zeros(2, 32, 32, dtype=torch.uint8)


class Judge(nn.Module):
    """Sees class 0 where the first band is bright, class 1 elsewhere."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x[:, 0], -x[:, 0], torch.full_like(x[:, 0], -9)], 1)


def loss(feedback: JudgeFeedback, latents: Tensor) -> float:
    logits = feedback.judge(feedback.bundle.decode(latents).clamp(-1, 1))
    return float(nn.functional.cross_entropy(logits, feedback.masks))


def feedback(masks: Tensor = MASKS, share: float = 0.5) -> JudgeFeedback:
    return JudgeFeedback(bases.bundle(), Judge(), masks, Feedback(weight=0.1, share=share), 4)


def test_the_correction_is_bounded_and_lowers_the_loss() -> None:
    torch.manual_seed(0)
    made, latents = feedback(), torch.randn(2, 4, 16, 16)
    move = made.move(latents)
    assert torch.allclose(move.flatten(1).norm(dim=1), 0.1 * latents.flatten(1).norm(dim=1), rtol=1e-4)
    assert loss(made, latents + move) < loss(made, latents)


def test_samples_are_judged_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the decoder's backward pass fits at 512 px; none depends on the others."""
    torch.manual_seed(0)
    made, latents = feedback(), torch.randn(2, 4, 16, 16)
    decoded, sizes = made.bundle.decode, []
    monkeypatch.setattr(made.bundle, "decode", lambda x: (sizes.append(len(x)), decoded(x))[1])
    move = made.move(latents)
    assert sizes == [1, 1]
    assert torch.equal(feedback(MASKS[1:]).move(latents[1:]), move[1:])


def test_late_steps_and_pixels_without_a_class_are_left_alone() -> None:
    torch.manual_seed(0)
    made, x = feedback(), torch.randn(2, 4, 16, 16)
    assert torch.equal(made(x, 2), x)
    assert torch.equal(made(x, 1), x + made.move(x))
    unknown = feedback(torch.full_like(MASKS, 255))
    assert torch.equal(unknown.move(x), torch.zeros_like(x))
