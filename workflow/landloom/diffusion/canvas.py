"""Sampling a canvas: what windows predict is averaged where they overlap, and all share one noise.

At each averaging the predictions of all windows become one (MultiDiffusion, Bar-Tal et al. 2023), and the
solver makes its step on the canvas: its memory of earlier steps lies there, too. Noise is that of the canvas
(``data.canvas.normal``), so averaging takes nothing from its variance. With fewer averagings than steps,
windows go their own ways in between; then their predicted clean latents are averaged, and the canvas gets new
noise. Each averaging lets a pixel depend on ``size - stride`` more pixels on each side.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from landloom.data.canvas import Floats, normal
from landloom.data.strips import Lattice, Work, blended
from landloom.diffusion.canvas_state import CanvasState
from landloom.diffusion.sampling import Guided, Steering, Trajectory, noise
from landloom.errors import Interrupted
from landloom.raster.windows import Window
from landloom.runtime.signals import StopRequest


class Guide(Protocol):
    """What denoises windows."""

    def told(self, windows: Sequence[Window]) -> Guided:
        """The denoiser under what is known of windows."""
        ...

    def steering(self, windows: Sequence[Window]) -> Steering | None:
        """What moves their clean latents."""
        ...


Finish = Callable[[Window, Floats], dict[str, Floats]]
"""What arrays hold of a strip after a pass, from its place and what windows say of it (c, h, w)."""


@dataclass(frozen=True)
class Pass:
    """One way over the canvas.

    Attributes:
        name: for messages.
        work: what windows say; None for a pass without them.
        finish: what is written of a strip.
        scale: how many times as large what windows say is.
    """

    name: str
    work: Work | None
    finish: Finish
    scale: int = 1


class CanvasSampler:
    """The passes that make the latents of a canvas, named ``x``.

    A canvas of one window is a tile: it has the noise of a tile, and comes out as the same bytes.

    Args:
        lattice: windows in latent cells.
        state: arrays.
        trajectory: steps.
        guide: denoises windows.
        channels: of the latents.
        averagings: how many times windows are averaged; None for every step.
        start: clean latents of windows to begin with, under noise.
    """

    def __init__(
        self, lattice: Lattice, state: CanvasState, trajectory: Trajectory, guide: Guide, channels: int,
        averagings: int | None = None, start: Work | None = None,
    ) -> None:  # fmt: skip
        self.lattice, self.state, self.trajectory, self.guide = lattice, state, trajectory, guide
        self.channels, self.start = channels, start
        self.phases = phases(lattice, len(trajectory), averagings)
        self.solvers = solvers(trajectory) if self.each else []

    @property
    def each(self) -> bool:
        """Whether the solver itself works on the canvas."""
        return len(self.trajectory) > 1 and len(self.phases) == len(self.trajectory)

    @property
    def names(self) -> list[str]:
        """Arrays that are needed."""
        return ["x", *(remembered(self.solvers[-1]) if self.each else [])]

    def passes(self) -> list[Pass]:
        """The start, and one pass for each averaging."""
        found = [Pass("start", self.start, self._begin)]
        for number, (first, last) in enumerate(self.phases, 1):
            name = f"averaging {number}/{len(self.phases)}"
            if self.each:
                found.append(Pass(name, partial(self._predicted, first), partial(self._stepped, first)))
            else:
                found.append(Pass(name, partial(self._followed, first, last), partial(self._renewed, last)))
        return found

    def drawn(self, step: int, at: Window) -> Tensor:
        """Noise (1, c, h, w) of a strip."""
        seed = self.lattice.canvas.seed
        if self.lattice.windows == 1:
            return noise([seed], (self.channels, at.height, at.width))
        return torch.from_numpy(normal(seed, step, *at, self.channels))[None]

    def cut(self, windows: Sequence[Window]) -> Tensor:
        """Latents (B, c, h, w) of windows."""
        return _tensor(np.stack([self.state.read("x", w) for w in windows]), self.trajectory)

    def _begin(self, at: Window, known: Floats) -> dict[str, Floats]:
        start = torch.from_numpy(known)[None] if self.start is not None else None
        return {"x": _array(self.trajectory.begin(self.drawn(0, at), start))}

    @torch.no_grad()
    def _predicted(self, number: int, windows: Sequence[Window]) -> Iterable[Floats]:
        guess, steer = self.guide.told(windows), self.guide.steering(windows)
        return _arrays(self.trajectory.predict(guess, self.cut(windows), number, steer))

    def _stepped(self, number: int, at: Window, out: Floats) -> dict[str, Floats]:
        """One step of the solver on a strip, with what it remembers of the strip."""
        solver = deepcopy(self.solvers[number])
        recall(
            solver, {n: _tensor(self.state.read(n, at)[None], self.trajectory) for n in remembered(solver)}
        )
        x = _tensor(self.state.read("x", at)[None], self.trajectory)
        x = self.trajectory.step(solver, _tensor(out[None], self.trajectory), number, x)
        if number + 1 == len(self.trajectory):
            return {"x": _array(x)}
        return {n: _array(v) for n, v in ({"x": x} | remembered(solver)).items()}

    @torch.no_grad()
    def _followed(self, first: int, last: int, windows: Sequence[Window]) -> Iterable[Floats]:
        guess, steer = self.guide.told(windows), self.guide.steering(windows)
        return _arrays(self.trajectory.follow(guess, self.cut(windows), first, last, steer))

    def _renewed(self, last: int, at: Window, known: Floats) -> dict[str, Floats]:
        if last == len(self.trajectory):
            return {"x": known}
        clean = torch.from_numpy(known)[None]
        drawn = self.drawn(last, at).to(self.trajectory.device) * self.trajectory.scale
        return {"x": _array(self.trajectory.renewed(clean, drawn, last))}


def phases(lattice: Lattice, steps: int, averagings: int | None) -> list[tuple[int, int]]:
    """Steps, from one to before another, after which windows are averaged; a single one has nobody to."""
    count = 1 if lattice.windows == 1 else min(averagings or steps, steps)
    cuts = np.linspace(0, steps, count + 1).round().astype(int).tolist()
    return list(pairwise(cuts))


def reach(lattice: Lattice, averagings: int) -> int:
    """How far beyond itself a cell depends on others after so many averagings, in cells."""
    return averagings * (lattice.size - lattice.stride)


def solvers(trajectory: Trajectory) -> list[Any]:
    """A solver before each step, with a memory of one cell; only what it counts is of use."""
    made, x = trajectory.solver(), torch.zeros(1, 1, 1, 1, device=trajectory.device)
    found = []
    for number in range(len(trajectory)):
        found.append(deepcopy(made))
        x = trajectory.step(made, torch.zeros_like(x), number, x)
    return found


def remembered(solver: Any) -> dict[str, Tensor]:
    """Tensors of latents that a multistep solver of diffusers keeps, by name."""
    kept = {f"model_output_{i}": v for i, v in enumerate(solver.model_outputs)}
    kept["last_sample"] = getattr(solver, "last_sample", None)
    return {name: value for name, value in kept.items() if isinstance(value, Tensor)}


def recall(solver: Any, kept: dict[str, Tensor]) -> None:
    """Put back what ``remembered`` gave."""
    for name, value in kept.items():
        if name == "last_sample":
            solver.last_sample = value
        else:
            solver.model_outputs[int(name.rpartition("_")[2])] = value


def run(passes: Sequence[Pass], lattice: Lattice, state: CanvasState, batch: int) -> None:
    """Go over the canvas with each pass in turn, from where the state says.

    Raises:
        Interrupted: told to stop; how far it has come is noted.
    """
    with StopRequest() as stop:
        for one in passes[state.number :]:
            first = state.strip
            empty = (np.empty(0, np.float32) for _ in lattice.strips)
            found = empty if one.work is None else blended(lattice, one.work, batch, first, one.scale)
            for at, values in zip(lattice.strips[first:], found, strict=False):
                state.write(one.finish(at, values), at)
                state.done(stop.asked)
                if stop.asked:
                    raise Interrupted
            state.turn()


def _tensor(values: Floats, trajectory: Trajectory) -> Tensor:
    return torch.from_numpy(values).to(trajectory.device)


def _array(x: Tensor) -> Floats:
    return np.asarray(x[0].float().cpu().numpy())


def _arrays(x: Tensor) -> list[Floats]:
    return list(np.asarray(x.float().cpu().numpy()))
