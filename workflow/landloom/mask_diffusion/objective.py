"""Training objective: name the hidden pixels of a real mask of which some are known."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from landloom.conditions.mask import one_hot
from landloom.conditions.ratios import Ratios
from landloom.data.symmetry import turn_each
from landloom.data.tensor_rows import Rows, announce
from landloom.mask_diffusion import unmasking_schedule
from landloom.raster.labels import IGNORE


class CategoricalObjective:
    """Cross-entropy of the hidden pixels (the bound of absorbing diffusion, Austin et al. 2021).

    How much is known is drawn so that each step of the sampler is practised equally often. Pixels without a
    class are neither shown nor learnt, and do not count in the ratios.

    Args:
        module: the network.
        labels: class indices (N, H, W), uint8.
        ratios: how class mixes are told, and how often.
    """

    divisible = True

    def __init__(self, module: nn.Module, labels: Rows, ratios: Ratios) -> None:
        self.module, self.labels, self.ratios = module, labels, ratios
        self.size = len(labels)

    def prefetch(self, index: Tensor, draws: torch.Generator) -> None:
        """Begin to read the masks of the next step."""
        announce(self.labels, index)

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        """Mean over masks of the mean cross-entropy of hidden pixels, in nats."""
        return self.part(module, self.batch(index))

    def batch(self, index: Tensor) -> Any:
        """Masks with what of them is shown, and their class mixes, of some samples."""
        labels = turn_each(self.labels[index.cpu()], torch.randint(0, 8, (len(index),))).to(index.device)
        whole = self.ratios.cached({"ratios": shares(labels, self.ratios.classes)})
        condition = self.ratios.practise(whole)
        return hide(labels), labels, condition

    def part(self, module: nn.Module, batch: Any) -> Mapping[str, Tensor]:
        """The loss of some masks; it is a mean over them."""
        shown, labels, condition = batch
        logits = module(shown, condition).float()
        asked = (shown == IGNORE) & (labels != IGNORE)
        clean = torch.where(asked, labels, torch.zeros_like(labels)).long()
        wrong = functional.cross_entropy(logits, clean, reduction="none") * asked
        return {"loss": (wrong.sum((1, 2)) / asked.sum((1, 2)).clamp_min(1)).mean()}


def shares(labels: Tensor, classes: int) -> Tensor:
    """Class shares (B, K) among the pixels of masks (B, H, W) that have a class."""
    counted = one_hot(labels, classes).sum((2, 3))
    return counted / counted.sum(1, keepdim=True).clamp_min(1)


def hide(labels: Tensor) -> Tensor:
    """Masks (B, H, W) with all but the first few pixels of an order hidden (IGNORE)."""
    size = labels.shape[-1]
    rank = torch.stack([unmasking_schedule.draw(size) for _ in labels]).to(labels.device)
    known = unmasking_schedule.draw_counts(len(labels), size * size).to(labels.device)
    return torch.where(rank < known[:, None, None], labels, torch.full_like(labels, IGNORE))
