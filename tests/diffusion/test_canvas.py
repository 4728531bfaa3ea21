"""The sampler of canvases, on a made-up world whose best denoiser is known: smooth Gaussian fields."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from landloom.config.base import UnetConfig
from landloom.data.canvas import Canvas, Floats, normal
from landloom.data.samples import Sample
from landloom.data.strips import Lattice, Work
from landloom.diffusion import canvas
from landloom.diffusion.canvas import CanvasSampler
from landloom.diffusion.canvas_state import CanvasState
from landloom.diffusion.noise import shares
from landloom.diffusion.sampling import Guided, Trajectory, sample
from landloom.models import scratch
from landloom.raster.windows import Window
from tests import bases

SIDE, CPU = 16, torch.device("cpu")
SCHEDULE = scratch.scheduler(UnetConfig())
LENGTH = 4.0
"""How far values of the field go together, in cells."""


class Smooth:
    """The exact denoiser of a window of a Gaussian field whose values go together over ``LENGTH`` cells."""

    def __init__(self) -> None:
        places = torch.arange(SIDE, dtype=torch.float64)
        alike = torch.exp(-((places[:, None] - places) ** 2) / (2 * LENGTH**2))
        values, self.basis = torch.linalg.eigh(alike)
        self.power = values.clamp_min(0)[:, None] * values.clamp_min(0)

    def told(self, windows: Sequence[Window]) -> Any:
        """All windows are alike."""
        return self.velocity

    def steering(self, windows: Sequence[Window]) -> None:
        """No."""
        return

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        """What v-prediction expects of the posterior mean."""
        signal, noise = (s.item() for s in shares(SCHEDULE, t.long().reshape(1)))
        inside = self.basis.T @ x.double() @ self.basis
        clean = signal * self.power / (signal**2 * self.power + noise**2) * inside
        z = self.basis @ clean @ self.basis.T
        return (signal * (x - signal * z) / noise - noise * z).float()


def world(
    folder: Path, height: int = 64, width: int = 64, row: int = 0, col: int = 0, seed: int = 5,
    steps: int = 12, stride: int = 8, averagings: int | None = None, solver: str = "unipc",
    guide: Any = None, wrap: Callable[[Work], Work] = lambda w: w, batch: int = 4, channels: int = 1,
) -> Floats:  # fmt: skip
    """Latents (c, h, w) of a canvas, from where the folder was left."""
    lattice = Lattice(Canvas(height, width, seed, row, col), SIDE, stride)
    extent = lattice.extent
    box = Window(extent.row, extent.col, extent.height, extent.width)
    state = CanvasState(folder, box, channels, ((1, 1, 1), "uint8"), 0)
    path = Trajectory(SCHEDULE, steps, CPU, solver)
    sampler = CanvasSampler(lattice, state, path, guide or Smooth(), channels, averagings)
    passes = sampler.passes()
    for one in passes:
        if one.work is not None:
            object.__setattr__(one, "work", wrap(one.work))
    canvas.run(passes, lattice, state, batch)
    found = state.read("x", Window(row, col, height, width))
    state.drop()
    return found


def seam(x: Floats, every: int) -> float:
    """Mean jump between columns and rows at multiples of ``every``, relative to that between others."""
    scores = []
    for field in (x, x.swapaxes(1, 2)):
        jumps = np.abs(np.diff(field, axis=1)).mean((0, 2))
        at = (np.arange(1, field.shape[1]) % every) == 0
        scores.append(jumps[at].mean() / jumps[~at].mean())
    return float(np.mean(scores))


def test_a_canvas_has_no_seams_and_loses_no_variance(tmp_path: Path) -> None:
    whole = world(tmp_path / "a", 256, 256, seed=1)
    apart = world(tmp_path / "b", 256, 256, seed=1, stride=SIDE)
    assert seam(apart, SIDE) > 3
    assert seam(whole, 8) < 1.1
    # Borders of windows are the middles of others: the power there against that in between.
    power = (whole**2).mean(0)
    at = np.arange(256) % 8 < 2
    assert power[at][:, at].mean() / power.mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("averagings", [1, 3])
def test_few_averagings_have_small_seams(tmp_path: Path, averagings: int) -> None:
    assert seam(world(tmp_path, 128, 128, averagings=averagings), 8) < 1.3


@pytest.mark.parametrize("solver", ["unipc", "dpm++"])
@pytest.mark.parametrize("steps", [2, 5])
def test_strips_make_the_steps_of_a_solver_on_the_whole_canvas(
    tmp_path: Path, solver: str, steps: int
) -> None:
    """Written out plainly: all windows, their weighted mean, one step of diffusers' solver on everything."""
    found = world(tmp_path, 40, 32, steps=steps, solver=solver)
    path, guide = Trajectory(SCHEDULE, steps, CPU, solver), Smooth()
    own, x = path.solver(), torch.from_numpy(normal(5, 0, 0, 0, 40, 32, 1))[None]
    wave = torch.sin(torch.pi * (torch.arange(SIDE) + 0.5) / SIDE) ** 2
    for t in path.timesteps:
        total, weight = torch.zeros_like(x), torch.zeros_like(x)
        for row in range(0, 25, 8):
            for col in range(0, 17, 8):
                part = (..., slice(row, row + SIDE), slice(col, col + SIDE))
                share = torch.outer(wave, wave)
                total[part] += share * guide.velocity(x[part], t)
                weight[part] += share
        x = own.step(total / weight, t, x, return_dict=False)[0]
    np.testing.assert_allclose(found, x[0].numpy(), atol=1e-4)


@pytest.mark.parametrize("averagings", [None, 1, 2])
def test_where_batches_and_windows_begin_changes_no_bit(tmp_path: Path, averagings: int | None) -> None:
    one = world(tmp_path / "a", 48, 40, averagings=averagings, steps=4)
    two = world(tmp_path / "b", 48, 40, averagings=averagings, steps=4, wrap=shuffled)
    np.testing.assert_array_equal(one, two)


def shuffled(work: Work) -> Work:
    """The same, of the windows of a batch in reverse."""

    def other(windows: Sequence[Window]) -> Iterable[Floats]:
        return list(work(list(windows)[::-1]))[::-1]

    return other


@pytest.mark.parametrize(("averagings", "reach"), [(1, 8), (2, 16)])
def test_overlapping_canvases_of_one_world_agree_beyond_their_reach(
    tmp_path: Path, averagings: int, reach: int
) -> None:
    """An edge is felt as far as n (size - stride) cells, and no farther."""
    one = world(tmp_path / "a", 96, 96, averagings=averagings, steps=4)
    two = world(tmp_path / "b", 96, 96, 32, 24, averagings=averagings, steps=4)
    margin = SIDE - 8 + reach - 8
    shared = one[:, 32:, 24:], two[:, :64, :72]
    inner = (slice(None), slice(margin, 64 - margin), slice(margin, 72 - margin))
    np.testing.assert_array_equal(shared[0][inner], shared[1][inner])
    assert not np.array_equal(*shared)


class Nothing(Smooth):
    """Knows that the world is zero everywhere."""

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        """All there is, is noise."""
        signal, noise = (s.item() for s in shares(SCHEDULE, t.long().reshape(1)))
        return signal / noise * x


def test_new_noise_is_that_of_the_place_and_of_the_step(tmp_path: Path) -> None:
    """Where clean latents are zero, the canvas between two averagings is noise alone, of full variance."""
    lattice = Lattice(Canvas(32, 48, 5, -8, 16), SIDE, 8)
    box = Window(-8, 16, 32, 48)
    state = CanvasState(tmp_path, box, 1, ((1, 1, 1), "uint8"), 0)
    path = Trajectory(SCHEDULE, 6, CPU)
    sampler = CanvasSampler(lattice, state, path, Nothing(), 1, 3)
    canvas.run(sampler.passes()[:2], lattice, state, 4)
    _, noise = shares(SCHEDULE, path.timesteps[2:3].long())
    expected = noise.item() * normal(5, 2, -8, 16, 32, 48, 1)
    np.testing.assert_allclose(state.read("x", box), expected, atol=1e-4)


def test_a_canvas_at_every_step_has_another_world_with_another_seed(tmp_path: Path) -> None:
    assert not np.array_equal(world(tmp_path, 32, 32), world(tmp_path, 32, 32, seed=6))


class Model:
    """An untrained base, told a caption."""

    def __init__(self) -> None:
        self.model = bases.bundle()
        self.denoiser = bases.denoiser(self.model)

    def told(self, windows: Sequence[Window]) -> Guided:
        """The same words for all."""
        rows = [Sample(id="a", caption=bases.TEXTS[0])] * len(windows)
        return Guided(self.denoiser, self.denoiser.conditions.load(rows), [])

    def steering(self, windows: Sequence[Window]) -> None:
        """No."""
        return


@pytest.mark.parametrize("averagings", [None, 1, 2])
@pytest.mark.parametrize("steps", [1, 4])
def test_a_canvas_of_one_window_is_a_tile_byte_for_byte(
    tmp_path: Path, steps: int, averagings: int | None
) -> None:
    own = Model()
    own.model.scheduler = SCHEDULE
    found = world(tmp_path, SIDE, SIDE, steps=steps, averagings=averagings, guide=own, channels=4)
    rows = [Sample(id="a", caption=bases.TEXTS[0])] * 4
    given = own.denoiser.conditions.load(rows)
    tiles = sample(own.denoiser, SCHEDULE, given, [5, 1, 2, 3], steps, SIDE)
    np.testing.assert_array_equal(found, tiles[0].numpy())


class Killed(Exception):
    """As if the machine had been switched off."""


@pytest.mark.parametrize("averagings", [None, 1, 3])
def test_a_canvas_that_was_cut_off_anywhere_comes_out_the_same(
    tmp_path: Path, averagings: int | None
) -> None:
    whole, number = world(tmp_path / "whole", 48, 24, averagings=averagings, steps=3), 0
    left = [5]

    def short(work: Work) -> Work:
        def other(windows: Sequence[Window]) -> Iterable[Floats]:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return work(windows)

        return other

    for number in range(40):
        left[0] = 1 + number % 4
        try:
            found = world(tmp_path / "cut", 48, 24, averagings=averagings, steps=3, wrap=short)
            break
        except Killed:
            pass
    assert number >= 1
    np.testing.assert_array_equal(found, whole)


def test_half_written_notes_and_arrays_are_not_read(tmp_path: Path) -> None:
    box = Window(0, 0, 8, 8)
    first = CanvasState(tmp_path, box, 1, ((1, 1, 1), "uint8"), 1000)
    first.write({"x": np.ones((1, 8, 8), np.float32)}, box)
    first.turn()
    first.write({"x": np.full((1, 4, 8), 2, np.float32)}, Window(0, 0, 4, 8))  # and then the power went
    again = CanvasState(tmp_path, box, 1, ((1, 1, 1), "uint8"), 1000)
    assert (again.number, again.strip) == (1, 0)
    np.testing.assert_array_equal(again.read("x", box), 1)
    again.drop()
    assert list(tmp_path.iterdir()) == []
