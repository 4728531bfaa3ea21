"""One job per GPU, each on its own device, on machines with faked devices."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from landloom.config.encode import EncodeConfig
from landloom.config.tile import TileConfig
from landloom.errors import InputError
from landloom.runtime import gpus

SHOWN = "0,GPU-b7c1"


@contextmanager
def job(count: int) -> Iterator[list[str]]:
    """Hold devices as another process would: it starts from what the user shows, not from what we hold."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", SHOWN)
        with gpus.hold(count) as devices:
            yield devices


@pytest.fixture(autouse=True)
def two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two devices, and locks of this test alone."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", SHOWN)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)


@pytest.mark.parametrize(
    ("given", "devices"),
    [
        *[("", []), ("-1", []), ("NoDevFiles", []), ("3", ["3"]), ("1,0", ["1", "0"])],
        *[("1, 0", ["1", "0"]), ("0,-1,1", ["0"]), ("-1,0", []), ("0,0", ["0"])],
    ],
)
def test_what_the_user_shows_is_what_there_is(
    monkeypatch: pytest.MonkeyPatch, given: str, devices: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert gpus.visible() == devices


def test_each_job_gets_its_own_device_and_gives_it_back() -> None:
    with job(1) as first, job(1) as second:
        assert (first, second) == (["0"], ["GPU-b7c1"])
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-b7c1"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,GPU-b7c1"
    with gpus.hold(2) as both:
        assert both == ["0", "GPU-b7c1"]


def test_a_job_without_gpu_sees_none() -> None:
    with gpus.hold(0):
        assert gpus.visible() == []


def test_a_third_job_waits_for_a_device(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Asleep(Exception):
        pass

    def sleep(seconds: float) -> None:
        raise Asleep

    monkeypatch.setattr("time.sleep", sleep)
    with gpus.hold(1):
        with pytest.raises(Asleep), job(2):
            pass
        assert "waiting for 2 of 2 GPUs" in capfd.readouterr().err
        with job(1) as other:  # what could not be taken whole was let go
            assert other == ["GPU-b7c1"]


def test_the_device_of_a_killed_job_is_free_again(tmp_path: Path) -> None:
    code = (
        "import tempfile; tempfile.tempdir = {folder!r}\n"
        "from landloom.runtime import gpus\n"
        "with gpus.hold(2):\n    print('held', flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code.format(folder=str(tmp_path))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.wait()
    with gpus.hold(2) as both:
        assert len(both) == 2


def test_more_gpus_than_there_are_is_an_error() -> None:
    with (
        pytest.raises(InputError, match=r"processes: 3 GPUs are asked for, this machine has 2. Set it to 2"),
        gpus.hold(3),
    ):
        pass


def test_on_slurm_the_job_keeps_what_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with gpus.hold(1) as devices:
        assert devices == ["0", "GPU-b7c1"]


def test_sections_say_how_many_they_use() -> None:
    assert (TileConfig().gpus, EncodeConfig().gpus) == (0, 1)
    assert "gpus" not in EncodeConfig().model_dump()
