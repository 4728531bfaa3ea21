"""Training of CycleGAN (Zhu et al. 2017, Unpaired Image-to-Image Translation): no mask knows its image.

Four networks in one pass: masks to images and back, and a discriminator for each side. The networks are those
of Pix2Pix, and there is no pool of older images; the losses are the paper's.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from landloom.conditions.mask import one_hot
from landloom.config.image_train import CycleGanConfig
from landloom.data.pictures import Pictures
from landloom.data.symmetry import COUNT, turn_each
from landloom.data.tensor_rows import announce
from landloom.gan.networks import Generator, discriminator


class Losses(NamedTuple):
    """What both generators are told (cycle, adversarial), and what both discriminators are."""

    cycle: Tensor
    adversarial: Tensor
    discriminator: Tensor


class Cycle(nn.Module):
    """Both ways between masks and images; see ``pix2pix.Players`` on who learns from which loss.

    Args:
        generator: masks to images, the network that is kept.
        classes: K.
        bands: C.
        width: channels at the top of the other three.
        levels: halvings of the way back.
    """

    def __init__(self, generator: Generator, classes: int, bands: int, width: int, levels: int) -> None:
        super().__init__()
        self.generator, self.back = generator, Generator(bands, classes, width, levels)
        self.of_images = discriminator(bands, width)
        self.of_masks = discriminator(classes, width)

    @property
    def makers(self) -> list[nn.Module]:
        """Both ways; the paper trains them together."""
        return [self.generator, self.back]

    @property
    def judges(self) -> list[nn.Module]:
        """Both discriminators; likewise."""
        return [self.of_images, self.of_masks]

    def forward(self, hint: Tensor, real: Tensor) -> Losses:
        """Losses of one-hot masks (B, K, H, W) and images (B, C, H, W) of other places."""
        image, mask = self.generator(hint), self.read(real)
        cycle = F.l1_loss(self.read(image), hint) + F.l1_loss(self.generator(mask), real)
        told = _fooled(self.of_images, image) + _fooled(self.of_masks, mask)
        against = _told_apart(self.of_images, real, image) + _told_apart(self.of_masks, hint, mask)
        return Losses(cycle, told, against)

    def read(self, image: Tensor) -> Tensor:
        """Soft masks (B, K, H, W), 0 to 1, of images."""
        return (self.back(image) + 1) / 2


def _fooled(judge: nn.Module, made: Tensor) -> Tensor:
    """Least squares: how far from 'real' a judge with detached weights puts what was made."""
    weights = {k: p.detach() for k, p in judge.named_parameters()}
    return (functional_call(judge, weights, (made,)) - 1).square().mean()


def _told_apart(judge: nn.Module, real: Tensor, made: Tensor) -> Tensor:
    """Least squares of a judge on real and detached made input."""
    return ((judge(real) - 1).square().mean() + judge(made.detach()).square().mean()) / 2


class CycleGanObjective:
    """Images of one-hot masks, learned from masks and images that are drawn apart.

    Attributes:
        betas: of AdamW, as in the paper.
    """

    betas = (0.5, 0.999)

    def __init__(self, cycle: Cycle, data: Pictures, classes: int, config: CycleGanConfig) -> None:
        self.module: nn.Module = cycle
        self.players = tuple(nn.ModuleList(m) for m in (cycle.makers, cycle.judges))
        self.data, self.classes, self.config, self.size = data, classes, config, len(data.ids)

    def prefetch(self, index: Tensor, draws: torch.Generator) -> None:
        """Begin to read the masks and images of the next step."""
        announce(self.data.labels, index)
        announce(self.data.images, self._others(len(index), draws))

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """All losses over the weight of the cycle: Adam does not mind a factor, clipping does."""
        rows, others = index.cpu(), self._others(len(index))
        turns = torch.randint(0, COUNT[self.config.augment], (2, len(rows)))
        hint = one_hot(turn_each(self.data.labels[rows], turns[0]), self.classes).to(index.device)
        real = turn_each(self.data.images[others].float(), turns[1]).to(index.device)
        found = Losses(*module(hint, real))
        total = found.cycle + (found.adversarial + found.discriminator) / self.config.cycle
        return {"loss": total} | {k: v.detach() for k, v in found._asdict().items()}

    def _others(self, count: int, draws: torch.Generator | None = None) -> Tensor:
        """Whose images (B,) are shown: the first random numbers of a step."""
        return torch.randint(0, self.size, (count,), generator=draws)
