import json
from pathlib import Path

import pytest
import torch

from landloom.runtime import progress, tracing


def work(steps: int) -> None:
    for _ in progress.shown(range(steps), "work"):
        torch.ones(3).exp_()


def names(path: Path) -> list[str]:
    return [e.get("name") for e in json.loads(path.read_text())["traceEvents"]]


@pytest.mark.parametrize("steps", [3, tracing.STEPS + 5])
def test_the_first_steps_are_in_the_trace(steps: int, tmp_path: Path) -> None:
    path = tmp_path / "new" / "trace.json"
    with tracing.traced(path):
        torch.ones(3).log_()  # before the first step
        work(steps)
    found = names(path)
    assert found.count("aten::exp_") == min(steps, tracing.STEPS)
    assert "aten::log_" not in found


def test_a_job_that_fails_leaves_what_it_did(tmp_path: Path) -> None:
    def fail() -> None:
        work(1)
        raise ValueError

    with pytest.raises(ValueError), tracing.traced(tmp_path / "trace.json"):
        fail()
    assert "aten::exp_" in names(tmp_path / "trace.json")


def test_nothing_is_written_unless_it_is_asked_for(tmp_path: Path) -> None:
    with tracing.traced(None):
        work(3)
    with tracing.traced(tmp_path / "trace.json"):
        pass  # no step was taken
    work(3)
    assert list(tmp_path.iterdir()) == []


def test_a_trace_has_the_name_of_its_output() -> None:
    assert tracing.place(Path("a/.label.partial")) == Path("a/.landloom/label.trace.json")
