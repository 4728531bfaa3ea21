"""Faults while a training runs on the cluster: the run recovers, and ends with undisturbed bytes."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.slurm.cluster import Cluster, wait
from tests.slurm.conftest import BASE, LONG, TINY, Run

Make = Callable[[dict[str, Any]], Run]


@pytest.fixture
def training(make: Make) -> Iterator[tuple[Run, subprocess.Popen[str]]]:
    """A run whose base is being trained on the cluster."""
    run = make(LONG)
    process = run.start(BASE)
    run.until_training(process)
    yield run, process
    if process.poll() is None:
        process.kill()


def resumed(run: Run) -> bool:
    """Whether the training went on from a checkpoint."""
    return "goes on from step" in (run.folder / "logs/tiny/base.log").read_text()


def computed(run: Run, stage: str) -> int:
    """How often SLURM ran a stage to its end in this folder."""
    text = (run.folder / "main.log").read_text()
    return len(re.findall(rf"Finished jobid: \d+ \(Rule: {stage}\)", text))


@pytest.mark.ci
def test_a_cancelled_job_is_run_again(training: tuple[Run, Any], undisturbed: str) -> None:
    run, process = training
    job, _ = run.job()
    subprocess.run(["scancel", job], check=True)
    text = run.finish(process)
    assert f"SLURM-job '{job}' failed" in text
    assert "logs/tiny/base.log" in text
    assert resumed(run)
    assert run.digest() == undisturbed
    assert computed(run, "tile_scenes") == 1


@pytest.mark.ci
def test_a_killed_process_is_run_again(training: tuple[Run, Any], undisturbed: str) -> None:
    run, process = training
    os.kill(run.worker(), signal.SIGKILL)
    text = run.finish(process)
    assert "Error in rule base" in text
    assert resumed(run)
    assert run.digest() == undisturbed


def test_a_node_daemon_that_dies_and_returns_loses_nothing(
    training: tuple[Run, Any], undisturbed: str, cluster: Cluster
) -> None:
    run, process = training
    _, node = run.job()
    cluster.kill(f"slurmd.{node}")
    cluster.start_node(node)
    run.finish(process)
    assert not resumed(run)
    assert run.digest() == undisturbed


def test_a_drained_node_finishes_its_job(
    training: tuple[Run, Any], undisturbed: str, cluster: Cluster
) -> None:
    run, process = training
    _, node = run.job()
    subprocess.run(["scontrol", "update", f"node={node}", "state=drain", "reason=test"], check=True)
    run.finish(process)
    subprocess.run(["scontrol", "update", f"node={node}", "state=resume"], check=True)
    assert not resumed(run)
    assert run.digest() == undisturbed


def test_a_restarted_controller_loses_nothing(
    training: tuple[Run, Any], undisturbed: str, cluster: Cluster
) -> None:
    run, process = training
    cluster.kill("slurmctld")
    cluster.start_controller()
    run.finish(process)
    assert not resumed(run)
    assert run.digest() == undisturbed


def test_too_little_memory_is_asked_for_again_with_more(make: Make, undisturbed: str) -> None:
    run = make(LONG)
    small = ["--set-resources", "base:mem_mb=450 + 3000 * (attempt - 1)", "base:slurm_partition=gpu"]
    text = run.run(*small, "--", BASE)
    assert "failed" in text
    assert run.digest() == undisturbed


def test_a_training_longer_than_its_partition_allows_goes_back_into_the_queue(make: Make) -> None:
    longer = LONG | {"base": LONG["base"] | {"vae": LONG["base"]["vae"] | {"steps": 8000}}}
    run = make(longer)
    limit = ["--set-resources", "base:runtime=2", "base:slurm_partition=short"]
    signals = [
        "--default-resources",
        "slurm_partition=cpu",
        "slurm_extra='--signal=TERM@30 --open-mode=append'",
    ]
    run.run(*limit, *signals, "--", BASE)
    assert resumed(run)
    log = next((run.folder / ".snakemake/slurm_logs/rule_base").rglob("*.log")).read_text()
    assert "back into the queue" in log
    assert run.digest()
    assert "failed" not in (run.folder / "main.log").read_text()


def test_a_preempted_job_comes_back(make: Make, undisturbed: str) -> None:
    run = make(LONG)
    where = ["--set-resources", "base:slurm_partition=scavenge"]
    process = run.start(*where, "--", BASE)
    run.until_training(process)
    urgent = ["sbatch", "-p", "urgent", "-w", "n2", "-c", "16", "-t", "1", "--wrap", "sleep 5"]
    subprocess.run(urgent, check=True, cwd=run.folder)
    run.finish(process)
    assert resumed(run)
    assert run.digest() == undisturbed


def test_a_full_disk_names_itself_and_a_second_run_completes(make: Make, undisturbed: str) -> None:
    run = make(LONG | {"check": {"free_disk_gb": 0}})
    results = run.folder / "results"
    results.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", str(results)]).returncode:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        subprocess.run(["fallocate", "-l", "900K", str(results / "ballast")], check=True)
        text = run.run("--retries", "0", BASE, code=1)
        logs = "".join(p.read_text() for p in (run.folder / "logs").rglob("*.log"))
        assert "No space left on device" in text + logs
        subprocess.run(["mount", "-o", "remount,size=1G", str(results)], check=True)
        run.run(BASE)
        assert run.digest() == undisturbed
    finally:
        subprocess.run(["umount", "-l", str(results)], check=True)


@pytest.mark.ci
def test_jobs_of_a_dead_main_process_are_adopted(training: tuple[Run, Any], undisturbed: str) -> None:
    run, process = training
    job, _ = run.job()
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = run.start(BASE, module="landloom.cluster.resume")
    run.finish(again)
    text = (run.folder / "main.log").read_text()
    assert f"waiting for running jobs {job}" in text
    assert not resumed(run)
    assert run.digest() == undisturbed
    assert "Nothing to be done" in text


def test_an_orphan_and_its_successor_give_one_result(training: tuple[Run, Any], undisturbed: str) -> None:
    """The guard is passed by; a second job for the same output starts while the first still runs.

    The first is held until the second has come, however fast it is and however slow the machine.
    """
    run, process = training
    orphan = run.worker()
    os.kill(orphan, signal.SIGSTOP)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run(run.command("--unlock", BASE), cwd=run.folder, env=run.environment(), check=True)
    text = run.run(BASE, code=1)
    assert "jobs of an earlier run are still in the queue" in text
    snakefile = run.folder / "Snakefile"
    snakefile.write_text(snakefile.read_text().replace("dag.check_cluster(workflow)", "pass"))
    successor = run.start("--rerun-incomplete", BASE)
    log = run.folder / "logs/tiny/base.log"
    wait(lambda: "which makes the same output" in log.read_text(), "the second job", 120)
    os.kill(orphan, signal.SIGCONT)
    run.finish(successor)
    assert "the very same job was done before" in log.read_text()
    assert run.digest() == undisturbed


@pytest.mark.ci
def test_a_failed_stage_shows_its_last_line_and_code_at_once(make: Make) -> None:
    run = make(TINY)
    stage = run.folder / "workflow/landloom/stages/tile.py"
    text = stage.read_text()
    start = text.index("    files = paired(")
    stage.write_text(f'{text[:start]}    raise InputError("the disk", "is gone", "Mount it")\n{text[start:]}')
    before = time.monotonic()
    text = run.run("--retries", "0", "--latency-wait", "60", "--", "results/tiny/tiles/a.parquet", code=1)
    assert time.monotonic() - before < 60  # no waiting for files that will never come
    assert "error: the disk: is gone. Mount it" in text
    assert "returned non-zero exit status 1" in text
    assert "completed successfully" not in text


def test_the_guard_names_what_no_node_can_serve(make: Make) -> None:
    run = make(TINY)
    many = ["--set-resources", "base:gpu=8", "base:slurm_partition=gpu"]
    text = run.run(*many, "--", BASE, code=1)
    assert "no node of partition 'gpu' can serve 8 GPUs" in text
    assert "its nodes have 2 GPUs" in text
    assert not (run.folder / "results/tiny/tiles").exists()
    wrong = ["--default-resources", "slurm_partition=fast"]
    text = run.run(*wrong, "--", BASE, code=1)
    assert "the cluster has no partition 'fast'" in text


def test_the_guard_refuses_what_hangs_or_corrupts(make: Make) -> None:
    run = make(TINY)
    text = run.run("--slurm-status-command", "sacct", "--", BASE, code=1)
    assert "Set slurm-status-command: squeue" in text
    text = run.run("--slurm-array-jobs", "all", "--", BASE, code=1)
    assert "slurm-array-jobs is set" in text
    text = run.run("--slurm-init-seconds-before-status-checks", "400", "--", BASE, code=1)
    assert "MinJobAge of the cluster is 600 s" in text


def test_a_site_profile_of_the_same_name_is_used(make: Make, tmp_path: Path) -> None:
    run = make(TINY)
    (run.folder / "slurm").unlink()
    site = tmp_path / "home/snakemake/slurm"
    site.mkdir(parents=True)
    shutil.copy(run.folder / "profiles/slurm/profile.yaml", site)
    text = (site / "profile.yaml").read_text()
    (site / "profile.yaml").write_text(text.replace("slurm_partition: cpu", "slurm_partition: urgent"))
    process = subprocess.run(
        run.command("results/tiny/tiles/a.parquet"), cwd=run.folder, capture_output=True, text=True,
        env=run.environment() | {"XDG_CONFIG_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    asked = subprocess.run(
        ["sacct", "-X", "-n", "-P", "-o", "partition,workdir"], capture_output=True, text=True, check=True
    ).stdout
    assert f"urgent|{run.folder}" in asked
