"""A card that is too small takes a step in parts, and the training ends where a larger one's does."""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from landloom.config.training import Training
from landloom.diffusion.objective import DenoisingObjective
from landloom.errors import InputError
from landloom.runtime import launch
from landloom.training import loop
from landloom.training.micro_batches import chosen
from tests import bases
from tests.bases import EVERY_STEP

CONFIG = Training(steps=4, batch=5, lr=0.05, warmup=1)
ROOM = 2
"""Samples that the made-up card has room for."""


class Line:
    """Fits a line through points with noise of their own in each step, on a card with little room."""

    divisible = True

    def __init__(self, room: int = 100) -> None:
        torch.manual_seed(0)
        self.module: nn.Module = nn.Linear(2, 1)
        self.x, self.size, self.room = torch.randn(10, 2), 10, room
        self.seen: list[int] = []
        self.told: list[list[int]] = []

    def loss(self, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        return self.part(module, self.batch(index))

    def batch(self, index: Tensor) -> Any:
        x = self.x[index]
        return {"x": x, "noise": (torch.randn(len(x), 1),)}

    def part(self, module: nn.Module, batch: Any) -> Mapping[str, Tensor]:
        x, (noise,) = batch["x"], batch["noise"]
        self.seen.append(len(x))
        if len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        loss = ((module(x) - x.sum(1, keepdim=True) - 0.1 * noise) ** 2).mean()
        return {"loss": loss, "twice": 2 * loss.detach()}

    def prefetch(self, index: Tensor, draws: torch.Generator) -> None:
        self.told.append(index.tolist())


def trained(objective: Any, folder: Path, config: Training = CONFIG) -> Any:
    loop.train(objective, config, EVERY_STEP, 3, folder, "test")
    return objective


def test_parts_give_the_gradient_of_the_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, parts = trained(Line(), tmp_path / "whole"), trained(Line(ROOM), tmp_path / "parts")
    for a, b in zip(whole.module.parameters(), parts.module.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)
    assert parts.seen == [5, 3, *[2, 2, 1] * 4]  # looked for once: 5, then 3, then 2
    assert parts.told == whole.told  # what comes next is announced once a step
    assert "out of GPU memory with 3 samples at once, taking 2" in capsys.readouterr().err
    logs = [(tmp_path / n / "metrics.jsonl").read_text().splitlines() for n in ("whole", "parts")]
    assert len(logs[0]) == len(logs[1]) == CONFIG.steps


def test_what_was_found_is_kept_for_the_job_that_goes_on(tmp_path: Path) -> None:
    trained(Line(ROOM), tmp_path, CONFIG.model_copy(update={"steps": 2}))
    more = trained(Line(ROOM), tmp_path)
    assert more.seen == [2, 2, 1] * 2


def test_one_sample_that_does_not_fit_is_one_clear_error(tmp_path: Path) -> None:
    stage = ModuleType("landloom.stages.image_train")
    stage.run = lambda folder: trained(Line(0), folder)  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"^image_train: out of GPU memory \(CUDA out of .*Lower its batch"):
        launch.compute(stage, {"folder": tmp_path})


def test_a_batch_that_cannot_be_divided_stays_whole(tmp_path: Path) -> None:
    objective = Line(ROOM)
    objective.divisible = False
    with pytest.raises(torch.OutOfMemoryError):
        trained(objective, tmp_path)
    assert objective.seen == [5]


def test_denoisers_can_be_divided(tmp_path: Path) -> None:
    """Steps, noise and what is not told are those of the whole batch, sample by sample."""
    model, cache = bases.bundle(), bases.cache(8)
    told = bases.denoiser(model, words=cache.text, dropout=0.5)
    objective = DenoisingObjective(told, model.scheduler, cache.images, cache.columns, 5.0)
    index = torch.arange(6)
    torch.manual_seed(1)
    whole = objective.loss(told, index)["loss"]
    torch.manual_seed(1)
    batch = objective.batch(index)
    parts = [objective.part(told, chosen(batch, rows))["loss"] for rows in index.split(2)]
    torch.testing.assert_close(torch.stack(parts).mean(), whole)
