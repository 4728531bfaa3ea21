"""A step's batch in as few parts as the GPU has room for, with the gradient of the whole.

How many samples fit at once is found by running out of memory: the step is taken again with half as many. The
number is kept beside the checkpoints, so that a job that goes on does not look for it again. It belongs to
*how* a job runs: all random numbers are drawn for the whole batch, so only the order of sums depends on it.
"""

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils import _pytree as pytree

NAME = "at_once"


class Divisible(Protocol):
    """An objective whose loss of a batch is the mean of the losses of its samples.

    Batch norm makes others: their batch cannot be divided without changing the result.

    Attributes:
        divisible: that it is so; an objective without it is never divided.
    """

    divisible: bool

    def batch(self, index: Tensor) -> Any:
        """All that the loss of the samples at ``index`` (B,) reads, drawn: nested tensors (B, ...)."""
        ...

    def part(self, module: nn.Module, batch: Any) -> Mapping[str, Tensor]:
        """Losses of some samples, as ``Objective.loss`` gives them for all."""
        ...


class MicroBatches:
    """Takes gradients of batches, divided as often as memory asks for.

    Args:
        objective: what is trained, an ``Objective`` that may be ``Divisible``.
        accelerator: scales and sums up gradients.
        state: folder that keeps how many samples fit.
    """

    def __init__(self, objective: Any, accelerator: Accelerator, state: Path) -> None:
        self.objective, self.accelerator, self.file = objective, accelerator, state / NAME
        self.divisible = getattr(objective, "divisible", False)
        self.room = int(self.file.read_text()) if self.file.is_file() else sys.maxsize

    def backward(
        self, module: nn.Module, index: Tensor, seed: int, ahead: Callable[[], None]
    ) -> Mapping[str, Tensor]:
        """Add the gradients of the samples at ``index`` (B,); returns the losses of all of them.

        Args:
            module: the objective's, wrapped.
            index: the samples of this process.
            seed: of the step's random numbers.
            ahead: is called once what the step reads is drawn.

        Raises:
            torch.OutOfMemoryError: not even one sample fits, or the batch cannot be divided.
        """
        while True:
            try:
                # Drawn again after a failure: the same numbers, since the step has not been taken.
                torch.manual_seed(seed)
                return self._backward(module, index, ahead)
            except torch.OutOfMemoryError:
                room = min(self.room, len(index))
                if not self.divisible or room == 1:
                    raise
                self.room = -(-room // 2)
                self.file.write_text(str(self.room))
                print(f"out of GPU memory with {room} samples at once, taking {self.room}", file=sys.stderr)
                if self.accelerator.num_processes > 1:
                    raise  # the others wait for this one's gradients: all begin anew, and divide
            for weight in module.parameters():
                weight.grad = None
            torch.cuda.empty_cache()

    def _backward(self, module: nn.Module, index: Tensor, ahead: Callable[[], None]) -> Mapping[str, Tensor]:
        if self.room >= len(index):
            with self.accelerator.autocast():
                losses = self.objective.loss(module, index)
            ahead()
            self.accelerator.backward(losses["loss"])
            return cast(Mapping[str, Tensor], losses)
        batch = self.objective.batch(index)
        ahead()
        parts = torch.arange(len(index), device=index.device).split(self.room)
        total: dict[str, Tensor] = {}
        for rows in parts:
            last, share = rows is parts[-1], len(rows) / len(index)
            with nullcontext() if last else self.accelerator.no_sync(module):
                with self.accelerator.autocast():
                    losses = self.objective.part(module, chosen(batch, rows))
                self.accelerator.backward(losses["loss"] * share)
            for name, loss in losses.items():
                total[name] = total.get(name, torch.zeros_like(loss)) + loss.detach() * share
        return total


def chosen(batch: Any, rows: Tensor) -> Any:
    """Some rows of all tensors of nested ones, each where it lies."""

    def of(tensor: Tensor) -> Tensor:
        return tensor[rows.to(tensor.device)]

    return pytree.tree_map_only(Tensor, of, batch)
