"""AdamW, with its moments in 32 or in 8 bits."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from landloom.config.training import Training
from landloom.errors import InputError


def build(
    config: Training, weights: Sequence[nn.Parameter], betas: tuple[float, float]
) -> torch.optim.Optimizer:
    """The optimiser of some weights.

    Moments in 8 bits (Dettmers et al. 2022, quantised by blocks) take 2 bytes a weight and not 8. They are
    paged: where the GPU is full they go to the computer's memory.

    Raises:
        InputError: bitsandbytes, which has them, is not installed.
    """
    rates: dict[str, Any] = {"lr": config.lr, "betas": betas, "weight_decay": config.weight_decay}
    if config.optimizer == "adamw":
        return torch.optim.AdamW(weights, fused=True, **rates)
    try:
        from bitsandbytes.optim import AdamW8bit, PagedAdamW8bit
    except ImportError:
        raise InputError(
            "optimizer", "adamw_8bit needs bitsandbytes", "pip install 'landloom[8bit]'"
        ) from None
    made = (PagedAdamW8bit if torch.cuda.is_available() else AdamW8bit)(weights, **rates)
    assert isinstance(made, torch.optim.Optimizer)
    return made
