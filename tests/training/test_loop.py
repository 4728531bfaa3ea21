import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from landloom.config.run import RunConfig
from landloom.config.training import Training
from landloom.errors import Interrupted
from landloom.runtime import signals
from landloom.training import loop
from landloom.training.metrics_log import metrics_path, read_metrics, trained_seconds
from tests.bases import EVERY_STEP

KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from tests.training.test_loop import CONFIG, EVERY_STEP, Line, weights
from landloom.training import loop
from landloom.runtime import signals

class Killed(Line):
    def loss(self, module, index):
        self.steps = getattr(self, "steps", 0) + 1
        if self.steps == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(module, index)

objective = Killed()
loop.train(objective, CONFIG, EVERY_STEP, 5, Path(sys.argv[1]), "test")
torch.save(weights(objective), Path(sys.argv[1]) / "final.pt")
"""
CONFIG = Training(steps=12, batch=3, lr=0.05, warmup=3, ema=0.9)


class Line:
    """Fits a line through noisy points; the noise is drawn anew in each step."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.module: nn.Module = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        self.x = torch.randn(10, 2)
        self.size = 10

    def loss(self, module: nn.Module, index: Tensor) -> dict[str, Tensor]:
        x = self.x[index.cpu()].to(index.device)
        noise = torch.randn(len(x), 1).to(index.device)
        return {"loss": ((module(x) - x.sum(1, keepdim=True) - 0.1 * noise) ** 2).mean()}


def weights(objective: Line) -> dict[str, Tensor]:
    """All weights and buffers."""
    return {k: v.cpu() for k, v in objective.module.state_dict().items()}


@pytest.mark.parametrize("own", [None, (0.5, 0.999)])
def test_an_objective_may_choose_its_betas(tmp_path: Path, own: tuple[float, float] | None) -> None:
    objective = Line()
    if own:
        objective.betas = own  # type: ignore[attr-defined]
    loop.train(objective, CONFIG, EVERY_STEP, 5, tmp_path, "test")
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["optimizer"]
    assert saved["param_groups"][0]["betas"] == (own or (0.9, 0.999))


def child(state: Path, kill_at: int) -> int:
    """Train in another process that kills itself in the given step; returns its exit code."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", KILLED, str(state), str(kill_at)]
    path = os.pathsep.join([str(root), str(root / "workflow")])
    return subprocess.run(command, cwd=root, env=os.environ | {"PYTHONPATH": path}).returncode


def test_killed_training_ends_at_the_same_weights(tmp_path: Path) -> None:
    assert child(tmp_path / "cut", kill_at=7) == -signal.SIGKILL
    assert not (tmp_path / "cut" / "final.pt").exists()
    assert child(tmp_path / "cut", kill_at=-1) == 0
    whole = Line()
    loop.train(whole, CONFIG, EVERY_STEP, 5, tmp_path / "whole", "test")
    cut = torch.load(tmp_path / "cut" / "final.pt")
    for name, tensor in weights(whole).items():
        assert torch.equal(tensor, cut[name]), name
    rows = [read_metrics(metrics_path(tmp_path / n)) for n in ("cut", "whole")]
    assert [r["step"] for r in rows[0]] == list(range(1, 13))
    assert [r["loss"] for r in rows[0]] == [r["loss"] for r in rows[1]]


def test_the_time_of_a_stopped_training_is_that_of_its_steps(tmp_path: Path) -> None:
    class Cold(Line):
        """The first step of a process is slow, and one step gets a signal."""

        def __init__(self, stop: int) -> None:
            super().__init__()
            self.stop, self.steps = stop, 0

        def loss(self, module: nn.Module, index: Tensor) -> dict[str, Tensor]:
            self.steps += 1
            time.sleep(0.2 if self.steps == 1 else 0.01)
            if self.steps == self.stop:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().loss(module, index)

    how = RunConfig(log=1000, checkpoint=1000)
    start = time.perf_counter()
    with pytest.raises(Interrupted):
        loop.train(Cold(9), CONFIG, how, 5, tmp_path, "test")
    loop.train(Cold(0), CONFIG, how, 5, tmp_path, "test")
    wall = time.perf_counter() - start
    path = metrics_path(tmp_path)
    assert [r["step"] for r in read_metrics(path)] == [1, 9, 10, 12]
    assert 2 * 0.2 + 10 * 0.01 <= trained_seconds(path) <= wall


def test_finished_training_is_not_trained_on(tmp_path: Path) -> None:
    first, again = Line(), Line()
    loop.train(first, CONFIG, EVERY_STEP, 5, tmp_path, "test")
    loop.train(again, CONFIG, EVERY_STEP, 5, tmp_path, "test")
    assert all(torch.equal(a, weights(again)[k]) for k, a in weights(first).items())


def test_seeds_differ(tmp_path: Path) -> None:
    a, b = Line(), Line()
    loop.train(a, CONFIG, EVERY_STEP, 5, tmp_path / "a", "test")
    loop.train(b, CONFIG, EVERY_STEP, 6, tmp_path / "b", "test")
    assert not torch.equal(weights(a)["0.weight"], weights(b)["0.weight"])


def test_precision_may_change_within_a_process(tmp_path: Path) -> None:
    """As in ``label_train``, where the probe learns in full precision before the LoRA."""
    made = {}
    for name, precision in (("first", "fp32"), ("half", "bf16"), ("again", "fp32")):
        objective = Line()
        config = CONFIG.model_copy(update={"precision": precision})
        loop.train(objective, config, EVERY_STEP, 5, tmp_path / name, "test")
        made[name] = weights(objective)["0.weight"]
    assert torch.equal(made["first"], made["again"])
    assert not torch.equal(made["first"], made["half"])


class Recorded(Line):
    """Keeps the weights and statistics that each step starts from."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[dict[str, Tensor]] = []

    def loss(self, module: nn.Module, index: Tensor) -> dict[str, Tensor]:
        self.seen.append(statistics(self.module))
        return super().loss(module, index)


def statistics(module: nn.Module) -> dict[str, Tensor]:
    """Trained weights and the running statistics of batch norm."""
    state = {k: v.detach().clone() for k, v in module.state_dict().items()}
    return {k: v for k, v in state.items() if v.is_floating_point()}


def test_average_by_hand(tmp_path: Path) -> None:
    """Statistics are averaged as the weights are: those of the last steps belong to other weights."""
    plain, averaged = Recorded(), Line()
    loop.train(plain, CONFIG.model_copy(update={"ema": 0.0}), EVERY_STEP, 5, tmp_path / "plain", "test")
    loop.train(averaged, CONFIG, EVERY_STEP, 5, tmp_path / "ema", "test")
    mean = plain.seen[0]
    assert "1.running_var" in mean
    for step, after in enumerate([*plain.seen[1:], statistics(plain.module)]):
        decay = min(0.9, (1 + step) / (10 + step))
        mean = {k: decay * v + (1 - decay) * after[k] for k, v in mean.items()}
    for name, tensor in statistics(averaged.module).items():
        assert torch.allclose(tensor, mean[name], atol=1e-6), name


def test_after_half_precision_the_module_is_what_is_loaded(tmp_path: Path) -> None:
    objective = Line()
    loop.train(objective, CONFIG.model_copy(update={"precision": "bf16"}), EVERY_STEP, 5, tmp_path, "test")
    loaded = Line().module.eval()
    loaded.load_state_dict(objective.module.state_dict())
    x = torch.randn(64, 2)
    found = objective.module(x)
    assert found.dtype == torch.float32
    assert torch.equal(found, loaded(x))


class Duel:
    """Two players with a loss each; the first one's is ``size`` times as large."""

    def __init__(self, size: float, apart: bool = True) -> None:
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(2, 1), nn.Linear(2, 1)
        self.module: nn.Module = nn.ModuleList([self.first, self.second])
        self.factor, self.size = size, 10
        if apart:
            self.players = (self.first, self.second)

    def loss(self, module: nn.Module, index: Tensor) -> dict[str, Tensor]:
        x = torch.randn(len(index), 2)
        target = x.sum(1, keepdim=True)
        errors = [(player(x) - target).square().mean() for player in (self.first, self.second)]
        return {"loss": self.factor * errors[0] + errors[1]}


def test_a_players_large_gradient_does_not_slow_the_other(tmp_path: Path) -> None:
    made = {}
    for name, size, apart in (("small", 1.0, True), ("large", 1e6, True), ("joint", 1e6, False)):
        duel = Duel(size, apart)
        loop.train(duel, CONFIG.model_copy(update={"clip": 0.1}), EVERY_STEP, 5, tmp_path / name, "test")
        made[name] = duel.second.weight.detach()
    assert torch.equal(made["small"], made["large"])
    assert not torch.allclose(made["small"], made["joint"], atol=1e-3)


def test_players_hold_every_weight(tmp_path: Path) -> None:
    duel = Duel(1.0)
    duel.players = (duel.first,)  # type: ignore[assignment]
    with pytest.raises(AssertionError, match="each trained parameter once"):
        loop.train(duel, CONFIG, EVERY_STEP, 5, tmp_path, "test")


class Stopped(Line):
    """Is told to stop in a step."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at, self.steps = at, 0

    def loss(self, module: nn.Module, index: Tensor) -> dict[str, Tensor]:
        self.steps += 1
        if self.steps == self.at:
            signal.raise_signal(signal.SIGTERM)
        return super().loss(module, index)


def test_a_stop_in_the_last_step_is_answered_by_the_next_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "_asked", False)
    loop.train(Stopped(CONFIG.steps), CONFIG, EVERY_STEP, 5, tmp_path / "first", "test")
    second = Stopped(0)
    with pytest.raises(Interrupted):
        loop.train(second, CONFIG, EVERY_STEP, 5, tmp_path / "second", "test")
    assert second.steps == 0
    loop.train(second, CONFIG, EVERY_STEP, 5, tmp_path / "second", "test")  # answered: as in a new process
    assert second.steps == CONFIG.steps


@pytest.mark.parametrize("moment", ["in the step", "before it is saved", "after it is saved"])
def test_a_stop_at_the_last_step_neither_loses_nor_doubles_it(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever in the step it comes, and also when the job then dies and is started again."""
    monkeypatch.setattr(signals, "_asked", False)
    whole, cut, again = Line(), Stopped(CONFIG.steps if moment == "in the step" else 0), Stopped(0)
    loop.train(whole, CONFIG, EVERY_STEP, 5, tmp_path / "whole", "test")
    save = loop.checkpoint.save

    def told(state: Path, step: int, *rest: Any) -> None:
        if step == CONFIG.steps and moment == "before it is saved":
            signal.raise_signal(signal.SIGUSR1)
        save(state, step, *rest)
        if step == CONFIG.steps and moment == "after it is saved":
            signal.raise_signal(signal.SIGUSR1)

    monkeypatch.setattr(loop.checkpoint, "save", told)
    loop.train(cut, CONFIG, RunConfig(log=0, checkpoint=1e9), 5, tmp_path / "cut", "test")
    assert signals.asked()  # for what comes after: the outputs are written first
    monkeypatch.setattr(signals, "_asked", False)
    assert torch.load(tmp_path / "cut/checkpoint.pt", weights_only=True)["step"] == CONFIG.steps
    loop.train(again, CONFIG, EVERY_STEP, 5, tmp_path / "cut", "test")
    assert (cut.steps, again.steps) == (CONFIG.steps, 0)
    for made in (cut, again):
        assert all(torch.equal(a, weights(made)[k]) for k, a in weights(whole).items())
    rows = [
        [(r["step"], r["loss"]) for r in read_metrics(metrics_path(tmp_path / n))] for n in ("whole", "cut")
    ]
    assert rows[0] == rows[1]


def test_a_stop_at_the_step_before_the_last_leaves_one_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "_asked", False)
    whole, cut, rest = Line(), Stopped(CONFIG.steps - 1), Stopped(0)
    loop.train(whole, CONFIG, EVERY_STEP, 5, tmp_path / "whole", "test")
    with pytest.raises(Interrupted):
        loop.train(cut, CONFIG, EVERY_STEP, 5, tmp_path / "cut", "test")
    loop.train(rest, CONFIG, EVERY_STEP, 5, tmp_path / "cut", "test")
    assert (cut.steps, rest.steps) == (CONFIG.steps - 1, 1)
    assert all(torch.equal(a, weights(rest)[k]) for k, a in weights(whole).items())


def test_a_stop_between_two_trainings_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "_asked", False)
    handlers = signals.watch()
    signal.raise_signal(signal.SIGUSR1)
    signals.restore(handlers)
    with pytest.raises(Interrupted):
        loop.train(Line(), CONFIG, EVERY_STEP, 5, tmp_path, "test")


def test_metrics_drop_a_line_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(json.dumps({"step": 1}) + '\n{"ste')
    assert read_metrics(path) == [{"step": 1}]


@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 9), st.integers(1, 4))
def test_every_epoch_visits_each_sample_once(size: int, batch: int, seed: int, epochs: int) -> None:
    steps = math.ceil(size * epochs / batch)
    batches = [loop.batch_index(seed, size, batch, step) for step in range(steps)]
    assert all(len(b) == batch for b in batches)
    row = torch.cat(batches)[: size * epochs].reshape(epochs, size)
    assert torch.equal(row.sort(1).values, torch.arange(size).expand(epochs, size))


def test_order_depends_on_seed_and_epoch() -> None:
    first = loop.batch_index(0, 50, 50, 0)
    assert not torch.equal(first, loop.batch_index(0, 50, 50, 1))
    assert not torch.equal(first, loop.batch_index(1, 50, 50, 0))
    with pytest.raises(ValueError, match="nothing to train on"):
        loop.batch_index(0, 0, 1, 0)


def test_step_seeds_are_distinct() -> None:
    keys = [(s, t, r) for s in range(5) for t in range(40) for r in range(3)]
    assert len({loop.step_seed(*k) for k in keys}) == len(keys)


def test_warm_up_then_half_a_cosine() -> None:
    config = Training(steps=104, warmup=4, lr=1.0)
    rates = [loop.learning_rate(config, s) for s in (0, 1, 3, 4, 54, 104)]
    assert rates == pytest.approx([0.25, 0.5, 1, 1, 0.55, 0.1])
    assert loop.learning_rate(Training(steps=10, warmup=0, lr=1.0), 0) == 1


def test_average_forgets_the_start() -> None:
    assert [loop.ema_decay(0.9, s) for s in (0, 8, 10_000)] == pytest.approx([0.1, 0.5, 0.9])


def test_intervals_are_seconds_and_change_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three quarters of a second between two looks at the clock, of which each step takes two."""
    ticks = iter(range(10_000))
    monkeypatch.setattr(loop.time, "monotonic", lambda: next(ticks) * 0.75)
    often, seldom, saved = Line(), Line(), []
    save = loop.checkpoint.save

    def counted(state: Path, step: int, *rest: Any) -> None:
        saved.append(step)
        save(state, step, *rest)

    monkeypatch.setattr(loop.checkpoint, "save", counted)
    loop.train(seldom, CONFIG, RunConfig(log=3.0, checkpoint=6.0), 5, tmp_path / "seldom", "test")
    assert saved[-1] == 12
    assert 2 <= len(saved) <= 4
    assert len(read_metrics(metrics_path(tmp_path / "seldom"))) <= 8
    loop.train(often, CONFIG, EVERY_STEP, 5, tmp_path / "often", "test")
    assert saved[-12:] == list(range(1, 13))
    assert all(torch.equal(a, weights(seldom)[k]) for k, a in weights(often).items())


def test_the_next_step_is_announced_with_the_numbers_that_it_draws(tmp_path: Path) -> None:
    class Ahead(Line):
        def __init__(self) -> None:
            super().__init__()
            self.told: list[tuple[list[int], float]] = []
            self.drawn: list[tuple[list[int], float]] = []

        def prefetch(self, index: Tensor, draws: torch.Generator) -> None:
            self.told.append((index.tolist(), torch.rand(1, generator=draws).item()))

        def loss(self, module: nn.Module, index: Tensor) -> dict[str, Tensor]:
            self.drawn.append((index.tolist(), torch.rand(1).item()))
            return super().loss(module, index)

    made = Ahead()
    loop.train(made, CONFIG, EVERY_STEP, 5, tmp_path, "test")
    assert made.told == made.drawn[1:]
    assert len(made.told) == CONFIG.steps - 1
