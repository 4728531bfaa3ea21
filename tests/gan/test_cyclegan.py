from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from landloom.config.image_train import CycleGanConfig
from landloom.data.pictures import Pictures
from landloom.gan.cyclegan import Cycle, CycleGanObjective
from landloom.gan.networks import Generator
from landloom.training.loop import clipped_apart
from tests.announced import Announced, foretold


def cycle() -> Cycle:
    torch.manual_seed(0)
    return Cycle(Generator(3, 4, 8, 3), 3, 4, 8, 3)


def data(count: int = 2) -> Pictures:
    return Pictures(
        images=torch.arange(count).view(-1, 1, 1, 1).expand(count, 4, 32, 32).half() / count,
        labels=torch.zeros(count, 32, 32, dtype=torch.uint8), ratios=torch.zeros(count, 3),
        captions=[], prompts=[], ids=[str(i) for i in range(count)],
    )  # fmt: skip


def learns(module: nn.Module) -> bool:
    return any(p.grad is not None and p.grad.abs().max() > 0 for p in module.parameters())


@pytest.mark.parametrize(
    ("loss", "taught"),
    [
        ("cycle", {"generator", "back"}),
        ("adversarial", {"generator", "back"}),
        ("discriminator", {"of_images", "of_masks"}),
    ],
)
def test_each_player_learns_from_its_own_loss_alone(loss: str, taught: set[str]) -> None:
    made = cycle()
    getattr(made(torch.rand(2, 3, 32, 32), torch.rand(2, 4, 32, 32)), loss).backward()
    assert {n for n, m in made.named_children() if learns(m)} == taught


def test_a_way_there_and_back_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fixed(nn.Module):
        def __init__(self, value: float, channels: int) -> None:
            super().__init__()
            self.value, self.channels = value, channels

        def forward(self, x: Tensor) -> Tensor:
            return torch.full((len(x), self.channels, *x.shape[2:]), self.value)

    made = cycle()
    made.generator, made.back = Fixed(0.5, 4), Fixed(0.2, 3)  # type: ignore[assignment]
    found = made(torch.zeros(1, 3, 32, 32), torch.ones(1, 4, 32, 32))
    assert found.cycle.item() == pytest.approx(0.6 + 0.5)  # a soft mask is (0.2 + 1) / 2


def test_masks_and_images_are_drawn_apart() -> None:
    class Seen(nn.Module):
        def forward(self, hint: Tensor, real: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            self.places = (real[:, 0, 0, 0] * 50).round().long()
            return torch.tensor(1.0), torch.tensor(2.0), torch.tensor(4.0)

    made, seen, index = (
        CycleGanObjective(cycle(), data(50), 3, CycleGanConfig(cycle=10)),
        Seen(),
        torch.arange(50),
    )
    draws = []
    for _ in range(3):
        found = made.loss(seen, index)
        draws.append(seen.places.tolist())
    assert all(a != b for a, b in pairwise([index.tolist(), *draws]))
    assert found["loss"].item() == pytest.approx(1 + 6 / 10)
    assert (made.size, made.betas) == (50, (0.5, 0.999))


def test_generators_and_discriminators_are_clipped_apart() -> None:
    given = cycle()
    made = CycleGanObjective(given, data(), 3, CycleGanConfig())
    found = [{id(p) for p in part} for part in clipped_apart(made, list(given.parameters()))]
    parts = [(given.generator, given.back), (given.of_images, given.of_masks)]
    assert found == [{id(p) for m in part for p in m.parameters()} for part in parts]


def test_the_images_that_the_next_step_draws_are_announced() -> None:
    given, own = data(50), cycle()
    images, labels = Announced(torch.zeros(50, 4, 32, 32)), Announced(given.labels[torch.arange(50)])
    given.images, given.labels = images, labels
    made = CycleGanObjective(own, given, 3, CycleGanConfig())
    assert foretold(made, own, [images, labels], torch.arange(4))
