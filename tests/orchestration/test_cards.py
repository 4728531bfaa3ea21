"""GPUs that are too small for the networks of a run, by hand."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from landloom.orchestration import cards, preflight, storage
from landloom.orchestration.dag import Dag
from landloom.orchestration.workload import Workload
from landloom.runtime import gpus
from tests.orchestration.test_estimate import LORA, TILES, small


def learning(**more: Any) -> Dag:
    return small(generators={"g": LORA}, **more)


def load(**numbers: dict[str, int]) -> Any:
    """A workload of given numbers of parameters."""
    jobs = {"label_train": 1, "label_sample": 1, "segment": 0}
    return lambda dag, tiles: SimpleNamespace(jobs=jobs, **{"saved": {}, "loaded": {}} | numbers)


def test_what_networks_take_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = load(loaded={"label_train": 100, "label_sample": 100, "segment": 9}, saved={"label_train": 10})
    monkeypatch.setattr(cards, "Workload", counted)
    # fp32 weights, and of each learned one its gradient and two moments; segment has no job.
    assert cards.least(learning(), TILES) == {"label_train": 4 * 100 + 12 * 10, "label_sample": 4 * 100}
    eight = learning(
        label_train={"optimizer": "adamw_8bit", "precision": "bf16"}, label_sample={"precision": "bf16"}
    )
    assert cards.least(eight, TILES) == {"label_train": 4 * 100 + 6 * 10, "label_sample": 2 * 100}


def test_the_largest_gpu_decides_and_the_message_has_both_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "least", lambda dag, tiles: {"segment": 1, "image_train": 10 * 2**30})
    assert cards.small(learning(), TILES, [2**30, 10 * 2**30]) == []
    assert cards.small(learning(), TILES, []) == []
    (problem,) = cards.small(learning(), TILES, [2**30, 8 * 2**30])
    assert str(problem).startswith("image_train: its networks take 10.0 GiB of GPU memory before the first")
    assert "the largest GPU here has 8.0" in str(problem)
    assert "adamw_8bit" in str(problem)


def test_real_networks_are_counted() -> None:
    made = learning()
    found = Workload(made, TILES)
    assert cards.least(made, TILES)["label_train"] > 4 * found.loaded["label_train"] > 10**6


def test_memory_is_what_the_tool_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\necho "$@" > "$(dirname "$0")/asked"\necho 8192\necho "[N/A]"\necho 24576\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert gpus.memory(["0", "GPU-b7c1"]) == [8192 * 2**20, 24576 * 2**20]
    assert "--id=0,GPU-b7c1" in (tmp_path / "asked").read_text()
    tool.unlink()
    assert gpus.memory(["0"]) == []


def test_a_run_whose_networks_fit_no_gpu_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = learning()
    checked = tmp_path / f"results/{made.config.dataset}/check.json"
    checked.parent.mkdir(parents=True)
    checked.write_text(
        '{"windows": {"train": 10, "val": 1, "test": 1}, "scenes": [{"bands": 3, "dtype": "uint8"}]}'
    )
    monkeypatch.setattr(preflight, "current", lambda *_: True)
    monkeypatch.setattr(preflight, "unfit", lambda *_: iter(()))
    monkeypatch.setattr(storage, "full", lambda *_: [])
    monkeypatch.setattr(gpus, "memory", lambda devices: [10**6] * len(devices))
    preflight.check(made, [], [])  # jobs that run elsewhere are not judged by the GPUs here
    with pytest.raises(
        SystemExit, match=r"error: label_train: its networks take .* largest GPU here has 0\.0"
    ):
        preflight.check(made, ["0"], [])
