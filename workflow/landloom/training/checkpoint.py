"""Checkpoints: written to a temporary name and renamed, read without pickle."""

import os
from pathlib import Path

import torch
from torch import Tensor, nn

from landloom.runtime import phases

NAME = "checkpoint.pt"


@phases.during("write")
def save(
    state: Path, step: int, module: nn.Module, optimizer: torch.optim.Optimizer, average: list[Tensor]
) -> None:
    """Write the state after ``step`` steps; the previous checkpoint stays until the new one is on disk.

    ``average`` are the moving averages of weights and statistics, if any.
    """
    state.mkdir(parents=True, exist_ok=True)
    body = {
        "step": step,
        "module": trained(module),
        "optimizer": optimizer.state_dict(),
        "average": average,
    }
    partial = state / f"{NAME}.partial"
    with partial.open("wb") as f:
        torch.save(body, f)
        f.flush()
        os.fsync(f.fileno())
    partial.replace(state / NAME)


@phases.during("load")
def load(state: Path, module: nn.Module, optimizer: torch.optim.Optimizer, average: list[Tensor]) -> int:
    """Read the newest checkpoint into the given objects; returns its step, 0 when there is none."""
    path = state / NAME
    if not path.exists():
        return 0
    body = torch.load(path, map_location="cpu", weights_only=True)
    with torch.no_grad():
        targets = trained(module)
        for name, tensor in targets.items():
            tensor.copy_(body["module"][name])
        for mean, saved in zip(average, body["average"], strict=True):
            mean.copy_(saved)
    optimizer.load_state_dict(body["optimizer"])
    return int(body["step"])


def trained(module: nn.Module) -> dict[str, Tensor]:
    """Trained parameters of a module and its buffers (batch norm statistics), by name."""
    found = {n: p.detach() for n, p in module.named_parameters() if p.requires_grad}
    return found | {n: b for n, b in module.named_buffers() if b.is_floating_point() or "num_batches" in n}
