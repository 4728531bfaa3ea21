import torch
from torch import Tensor, nn

from landloom.config.image_train import Pix2PixConfig
from landloom.data.pictures import Pictures
from landloom.gan.networks import Generator, discriminator
from landloom.gan.pix2pix import Pix2PixObjective, Players
from landloom.training.loop import clipped_apart
from tests.announced import Announced, foretold


def players() -> Players:
    torch.manual_seed(0)
    return Players(Generator(3, 4, 8, 3), discriminator(7, 8))


def gradients(module: nn.Module) -> list[Tensor]:
    return [p.grad for p in module.parameters() if p.grad is not None and p.grad.abs().max() > 0]


def test_each_player_learns_from_its_own_loss_alone() -> None:
    made = players()
    hint, real = torch.rand(2, 3, 32, 32), torch.rand(2, 4, 32, 32)
    l1, adversarial, against = made(hint, real)
    (l1 + adversarial).backward()
    assert gradients(made.generator)
    assert not gradients(made.discriminator)
    made.zero_grad()
    made(hint, real)[2].backward()
    assert gradients(made.discriminator)
    assert not gradients(made.generator)
    assert against > 0


def test_l1_weighs_as_set_and_parts_are_shown() -> None:
    data = Pictures(
        images=torch.zeros(2, 4, 32, 32).half(), labels=torch.zeros(2, 32, 32, dtype=torch.uint8),
        ratios=torch.zeros(2, 3), captions=[], prompts=[], ids=["a", "b"],
    )  # fmt: skip
    made = Pix2PixObjective(players(), data, 3, Pix2PixConfig(l1=10))
    found = made.loss(made.module, torch.tensor([0, 1]))
    expected = found["l1"] + (found["adversarial"] + found["discriminator"]) / 10
    assert torch.isclose(found["loss"], expected)
    assert (made.size, made.betas) == (2, (0.5, 0.999))
    assert made.players == (made.module.generator, made.module.discriminator)
    assert len(clipped_apart(made, list(made.module.parameters()))) == 2


def test_the_tiles_of_the_next_step_are_announced() -> None:
    images, labels = (
        Announced(torch.zeros(4, 4, 32, 32)),
        Announced(torch.zeros(4, 32, 32, dtype=torch.uint8)),
    )
    data = Pictures(images, labels, torch.zeros(4, 3), [], [], list("abcd"))
    made = Pix2PixObjective(players(), data, 3, Pix2PixConfig())
    assert foretold(made, made.module, [images, labels], torch.tensor([0, 2, 1]))
