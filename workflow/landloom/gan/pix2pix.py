"""Training of Pix2Pix by the loop that trains everything: two players, one optimiser."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from landloom.conditions.mask import one_hot
from landloom.config.image_train import Pix2PixConfig
from landloom.data.pictures import Pictures
from landloom.data.symmetry import COUNT, turn_each
from landloom.data.tensor_rows import announce
from landloom.gan.networks import Generator


class Players(nn.Module):
    """Generator and discriminator in one forward pass, each with gradients of its own loss alone.

    The generator is judged by a discriminator whose weights are detached; the discriminator sees a detached
    image. With gradients clipped for each of them apart (``Objective.players``), one AdamW over both is two
    AdamWs that step together, and not one after the other.
    """

    def __init__(self, generator: Generator, discriminator: nn.Module) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator

    def forward(self, hint: Tensor, real: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Losses of one-hot masks (B, K, H, W) and images (B, C, H, W): L1, adversarial, discriminator's."""
        return duel(self.discriminator, hint, real, self.generator(hint))


def duel(judge: nn.Module, hint: Tensor, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """L1, adversarial and discriminator's loss of what was made for a hint, against what is real."""
    weights = {k: p.detach() for k, p in judge.named_parameters()}
    fooled = functional_call(judge, weights, torch.cat([hint, fake], 1))
    on_real, on_fake = judge(torch.cat([hint, real], 1)), judge(torch.cat([hint, fake.detach()], 1))
    return F.l1_loss(fake, real), _says(fooled, 1), (_says(on_real, 1) + _says(on_fake, 0)) / 2


def _says(logits: Tensor, answer: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, answer))


class Pix2PixObjective:
    """Images of one-hot masks: L1 to the real image, and a discriminator to please.

    Attributes:
        betas: of AdamW, as in the paper: little momentum, because the other player moves too.
    """

    betas = (0.5, 0.999)

    def __init__(self, players: Players, data: Pictures, classes: int, config: Pix2PixConfig) -> None:
        self.module: nn.Module = players
        self.players = (players.generator, players.discriminator)
        self.data, self.classes, self.config, self.size = data, classes, config, len(data.ids)

    def prefetch(self, index: Tensor, draws: torch.Generator) -> None:
        """Begin to read the tiles of the next step."""
        for side in (self.data.labels, self.data.images):
            announce(side, index)

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Both players' losses over the weight of L1: Adam does not mind a factor, clipping does."""
        rows = index.cpu()
        variants = torch.randint(0, COUNT[self.config.augment], (len(rows),))
        hint = one_hot(turn_each(self.data.labels[rows], variants), self.classes).to(index.device)
        real = turn_each(self.data.images[rows].float(), variants).to(index.device)
        l1, adversarial, against = module(hint, real)
        total = l1 + (adversarial + against) / self.config.l1
        return {
            "loss": total, "l1": l1.detach(), "adversarial": adversarial.detach(),
            "discriminator": against.detach(),
        }  # fmt: skip
