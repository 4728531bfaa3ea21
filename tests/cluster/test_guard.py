"""The guard against answers of a cluster, as SLURM prints them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from landloom.cluster import guard, resume, slurm
from landloom.errors import InputError, InputErrors

ANSWERS = {
    "scontrol show config": "MinJobAge               = 300 sec\nAccountingStorageEnforce = none\n",
    "sinfo -h -e -o %P|%G|%m|%c|%l": "cpu*|(null)|64000|32|infinite\n"
    "gpu|gpu:h100:4(S:0-1)|512000|64|1-00:00:00\n",
    "scontrol show partition -o": "PartitionName=cpu PreemptMode=OFF\n"
    "PartitionName=gpu PreemptMode=REQUEUE\n",
    "squeue": "",
    "sacctmgr": "lab\nlab\nproject\n",
}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the cluster says; tests change it."""
    found = dict(ANSWERS)

    def ask(*command: str) -> str:
        return found.get(" ".join(command), found.get(command[0], ""))

    monkeypatch.setattr(slurm, "ask", ask)
    return found


def executor(**more: Any) -> SimpleNamespace:
    settings = {"status_command": "squeue", "init_seconds_before_status_checks": 20, "array_jobs": None}
    return SimpleNamespace(**(settings | {"no_requeue": False} | more))


def problems(jobs: list[tuple[str, dict[str, Any]]], **more: Any) -> str:
    with pytest.raises(InputErrors) as caught:
        guard.check(executor(**more), jobs, Path())
    return str(caught.value)


def test_a_good_request_passes(answers: dict[str, str]) -> None:
    jobs = [("tile", {"mem_mb": 2000, "runtime": 30, "_cores": 1})]
    jobs += [("base", {"slurm_partition": "gpu", "gpu": 4, "mem_mb": 500000, "runtime": 1440, "_cores": 64})]
    guard.check(executor(), jobs, Path())


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"status_command": "sacct"}, "Set slurm-status-command: squeue"),
        (
            {"init_seconds_before_status_checks": 120},
            "-before-status-checks to 100 or less",
        ),
        ({"array_jobs": "all"}, "slurm-array-jobs is set"),
        ({"no_requeue": True}, "partitions gpu preempt jobs"),
    ],
)
def test_settings_that_hang_or_corrupt_are_refused(
    answers: dict[str, str], more: dict[str, Any], told: str
) -> None:
    assert told in problems([], **more)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"slurm_partition": "gpu", "gpu": 5}, "can serve 5 GPUs"),
        ({"slurm_partition": "gpu", "gres": "gpu:h100:5"}, "can serve 5 GPUs"),
        ({"gpu": 1}, "no node of partition 'cpu'"),
        ({"mem_mb": 65000}, "can serve 0 GPUs, 65000 MB"),
        (
            {"slurm_partition": "gpu", "runtime": 1500},
            "4 GPUs, 512000 MB, 64 CPUs, 1440 minutes",
        ),
        (
            {"slurm_partition": "fast"},
            "no partition 'fast'. Set slurm_partition",
        ),
    ],
)
def test_what_no_node_can_serve_is_named(answers: dict[str, str], asked: dict[str, Any], told: str) -> None:
    text = problems([("base", asked)])
    assert told in text
    assert "rule base" in text


def test_without_a_default_partition_one_must_be_set(answers: dict[str, str]) -> None:
    key = "sinfo -h -e -o %P|%G|%m|%c|%l"
    answers[key] = answers[key].replace("*", "")
    assert "Set default-resources: slurm_partition in your profile to one of cpu, gpu" in problems(
        [("tile", {})]
    )


def test_an_account_is_asked_for_where_the_cluster_needs_one(answers: dict[str, str]) -> None:
    answers["scontrol show config"] += "AccountingStorageEnforce = associations,limits\n"
    guard.check(executor(), [("tile", {"slurm_account": "project"})], Path())
    told = problems([("tile", {"slurm_account": "other"})])
    assert "account 'other' is not yours" in told
    assert "one of: lab, project" in told
    answers["sacctmgr"] = ""
    assert "this user has no account" in problems([("tile", {})])


def test_jobs_of_an_earlier_run_here_are_named(answers: dict[str, str]) -> None:
    run = "7e1c1b62-7c9e-4f1e-9d43-0a8d3a6f2f10"
    here = Path().resolve()
    answers["squeue"] = f"12|RUNNING|x_{run}|{here}\n13|RUNNING|{run}|/elsewhere\n14|RUNNING|mine|{here}\n"
    assert [j.job for j in slurm.jobs(Path())] == ["12"]
    assert "landloom resume" in problems([])


def test_time_limits_follow_the_partition(answers: dict[str, str]) -> None:
    jobs = [("base", {"slurm_partition": "gpu"}), ("tile", {}), ("mix", {"slurm_partition": "none"})]
    assert guard.limits(jobs) == {"base": 1440.0}


def test_gpus_and_minutes_are_read() -> None:
    assert [slurm.gpus(g) for g in ("(null)", "gpu:2", "gpu:h100:4(S:0-1),nvme:1", "gpu")] == [0, 2, 4, 1]
    limits = ["infinite", "30:00", "1:30:00", "2-12:00:00"]
    assert [slurm.minutes(t) for t in limits] == [None, 30, 90, 3600]


def test_resume_waits_for_running_jobs_and_cancels_waiting_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [["PENDING", "RUNNING"], ["RUNNING"], []]
    cancelled: list[str] = []
    monkeypatch.setattr(resume, "POLL", 0)

    def jobs(folder: Path) -> list[slurm.Queued]:
        now = states[0] if not cancelled else (states.pop(1) if len(states) > 1 else [])
        return [slurm.Queued(str(i), s, "") for i, s in enumerate(now)]

    def ask(*command: str) -> str:
        cancelled.extend(command)
        return ""

    monkeypatch.setattr(slurm, "jobs", jobs)
    monkeypatch.setattr(slurm, "ask", ask)
    resume.settle(Path())
    assert cancelled == ["scancel", "0"]


def test_a_missing_command_is_an_error() -> None:
    with pytest.raises(InputError, match="no answer"):
        slurm.ask("no-such-command-of-slurm")
