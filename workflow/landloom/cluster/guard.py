"""Refuse what is known to hang, to corrupt results or never to start, before the first job is sent to SLURM.

The plugin versions in which each of these was seen are in docs/cluster.md.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from landloom.cluster import slurm
from landloom.errors import InputError, InputErrors

PROFILE = "the slurm profile"


def check(executor: Any, jobs: Iterable[tuple[str, Mapping[str, Any]]], folder: Path) -> None:
    """Raise InputErrors for settings and requests that cannot work on this cluster.

    Args:
        executor: settings of the slurm executor plugin.
        jobs: rule and resources of each job to come; local ones left out.
        folder: the workflow's folder.
    """
    config = slurm.settings()
    asked = {(rule, _frozen(resources)) for rule, resources in jobs}
    problems = [*status(executor, config), *leftovers(folder)]
    problems += [p for rule, r in sorted(asked) for p in request(rule, dict(r), config)]
    if problems:
        raise InputErrors(problems)


def requests(jobs: Iterable[Any]) -> list[tuple[str, dict[str, Any]]]:
    """Rule and resources of Snakemake's jobs."""
    return [(job.rule.name, dict(job.resources)) for job in jobs]


def limits(jobs: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, float]:
    """Minutes that each rule's partition allows; a job that asks for more would wait for ever."""
    known = slurm.nodes()
    asked = {rule: partition(r, known) for rule, r in jobs}
    found = {
        rule: [n.minutes for n in known if n.partition in str(p).split(",")] for rule, p in asked.items()
    }
    return {rule: max(m for m in times if m) for rule, times in found.items() if times and None not in times}


def partition(asked: Mapping[str, Any], known: list[slurm.Nodes]) -> str | None:
    """Partition of a job: the one it asks for, or the cluster's default."""
    default = next((n.partition for n in known if n.default), None)
    return str(asked["slurm_partition"]) if asked.get("slurm_partition") else default


def status(executor: Any, config: Mapping[str, str]) -> list[InputError]:
    """Ways to ask for job states that are known to fail."""
    found = []
    first = int(executor.init_seconds_before_status_checks or 40)
    age = _seconds(config.get("MinJobAge", "0"))
    if executor.status_command != "squeue":
        what = f"slurm-status-command is '{executor.status_command}'"
        why = "With sacct a cancelled job hangs the run. Set slurm-status-command: squeue"
        found.append(InputError(PROFILE, what, why))
    elif age < 3 * first:
        what = f"MinJobAge of the cluster is {age} s, so that squeue forgets finished jobs too soon"
        why = f"Set slurm-init-seconds-before-status-checks to {age // 3} or less, or ask for MinJobAge=300"
        found.append(InputError(PROFILE, what, why))
    if executor.array_jobs:
        why = "Arrays have run one task many times and mixed up states. Remove it"
        found.append(InputError(PROFILE, "slurm-array-jobs is set", why))
    return found + _requeue(executor)


def _requeue(executor: Any) -> list[InputError]:
    if not executor.no_requeue:
        return []
    preempting = [p for p, mode in slurm.preemption().items() if mode != "OFF"]
    if not preempting:
        return []
    what = f"slurm-no-requeue is set, and partitions {', '.join(preempting)} preempt jobs"
    return [InputError(PROFILE, what, "A preempted job would hang the run. Set slurm-requeue: true")]


def leftovers(folder: Path) -> list[InputError]:
    """Jobs of an earlier run in this folder."""
    old = slurm.jobs(folder)
    if not old:
        return []
    what = f"jobs of an earlier run are still in the queue: {', '.join(j.job for j in old[:10])}"
    return [InputError(folder, what, "Go on with: landloom resume <the same arguments>")]


def request(rule: str, asked: Mapping[str, Any], config: Mapping[str, str]) -> list[InputError]:
    """What no node of the asked partition can give, and accounts that are missing or unknown."""
    known = slurm.nodes()
    name = partition(asked, known)
    names = ", ".join(sorted({n.partition for n in known}))
    where = f"rule {rule}"
    if name is None:
        why = f"Set default-resources: slurm_partition in your profile to one of {names}"
        return [InputError(where, "no partition is set, and the cluster has no default one", why)]
    found = [n for n in known if n.partition in name.split(",")]
    if not found:
        why = f"Set slurm_partition in your profile to one of {names}"
        return [InputError(where, f"the cluster has no partition '{name}'", why)]
    return [*_fits(where, asked, name, found), *_account(where, asked, config)]


def _fits(where: str, asked: Mapping[str, Any], partition: str, nodes: list[slurm.Nodes]) -> list[InputError]:
    needs = {"gpu": gpus(asked), "mem_mb": asked.get("mem_mb") or 0, "threads": asked.get("_cores") or 1}
    for n in nodes:
        has = {"gpu": n.gpus, "mem_mb": n.memory, "threads": n.cpus}
        time = n.minutes is None or (asked.get("runtime") or 0) <= n.minutes
        if time and all(needs[k] <= has[k] for k in needs):
            return []
    offer = "; ".join(
        f"{n.gpus} GPUs, {n.memory} MB, {n.cpus} CPUs, {_limit(n.minutes)}" for n in dict.fromkeys(nodes)
    )
    what = (
        f"no node of partition '{partition}' can serve {needs['gpu']} GPUs, {needs['mem_mb']} MB, "
        f"{needs['threads']} CPUs for {asked.get('runtime') or 0} minutes; its nodes have {offer}"
    )
    name = where.removeprefix("rule ")
    why = f"Set set-resources: {name}: slurm_partition, gpu, mem_mb, runtime (or set-threads) in your profile"
    return [InputError(where, what, why)]


def _account(where: str, asked: Mapping[str, Any], config: Mapping[str, str]) -> list[InputError]:
    """Where the cluster enforces associations, the account must be one of the user's."""
    if "associations" not in config.get("AccountingStorageEnforce", ""):
        return []
    account, mine = asked.get("slurm_account"), slurm.accounts()
    if (not account and mine) or account in mine:
        return []
    what = f"account '{account}' is not yours" if account else "this user has no account on the cluster"
    choice = f"one of: {', '.join(mine)}" if mine else "one that your site gives you"
    why = f"Set default-resources: slurm_account in your profile to {choice}"
    return [InputError(where, what, why)]


def gpus(asked: Mapping[str, Any]) -> int:
    """GPUs that a job's resources ask for."""
    return int(asked.get("gpu") or 0) or slurm.gpus(str(asked.get("gres") or ""))


def _frozen(resources: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    keys = ("slurm_partition", "slurm_account", "gpu", "gres", "mem_mb", "runtime", "_cores")
    return tuple((k, resources[k]) for k in keys if resources.get(k) is not None)


def _limit(minutes: float | None) -> str:
    return "no time limit" if minutes is None else f"{minutes:g} minutes"


def _seconds(text: str) -> int:
    match = re.match(r"\d+", text)
    return int(match[0]) if match else 0
