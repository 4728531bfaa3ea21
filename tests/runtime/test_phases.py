import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from landloom.runtime import phases


class Time:
    """A clock that only moves when it is told to."""

    now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(phases, "time", made)
    monkeypatch.setattr(phases, "_clock", phases.Clock(2.0))
    return made


def test_each_moment_belongs_to_one_phase(clock: Time) -> None:
    clock.now += 1
    with phases.during("compute"):
        clock.now += 10
        with phases.during("load"):
            clock.now += 4
            with phases.during("write"):
                clock.now += 5
            clock.now += 6
        clock.now += 20
    assert phases.taken() == {"start": 3.0, "load": 10.0, "compute": 30.0, "write": 5.0}
    assert phases.line() == "phases: start 3.0 s, load 10.0 s, compute 30.0 s, write 5.0 s"


def test_a_phase_ends_with_an_error(clock: Time) -> None:
    with pytest.raises(ValueError), phases.during("load"):
        raise ValueError
    clock.now += 1
    assert phases.taken()["start"] == 3


def test_only_getting_items_is_counted(clock: Time) -> None:
    def slow() -> Iterator[int]:
        for i in range(3):
            clock.now += 1
            yield i
        clock.now += 1

    with phases.during("compute"):
        for _ in phases.each("load", slow()):
            clock.now += 10
    assert phases.taken() == {"start": 2.0, "load": 4.0, "compute": 30.0, "write": 0.0}


def test_other_threads_are_not_counted(clock: Time) -> None:
    def read() -> None:
        with phases.during("load"):
            clock.now += 7

    with phases.during("compute"):
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    assert phases.taken()["load"] == 0
    assert phases.taken()["compute"] == 7


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="the age of a process is read there")  # noqa: PTH110
def test_the_start_begins_with_the_process() -> None:
    code = "import time; time.sleep(0.3); from landloom.runtime import phases; print(phases.taken()['start'])"
    before = time.monotonic()
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 0.3 <= float(found) <= time.monotonic() - before + 0.02  # the system counts hundredths


def test_a_log_line_can_be_read_by_a_script() -> None:
    assert re.fullmatch(r"phases:( (start|load|compute|write) [0-9.]+ s,?){4}", phases.line())
