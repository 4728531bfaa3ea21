"""Runs with other shares of labels, which the evidence compares: the same config, but for the labels.

All of them are one workflow: their jobs differ in the wildcard ``dataset``, so profiles, resources and
records see the rules that they know.
"""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from landloom.config import Config, merge
from landloom.config.evidence import EvidenceConfig
from landloom.errors import InputError

if TYPE_CHECKING:
    from landloom.orchestration.dag import Dag

LABELLED = "{dataset}-labelled-{share:g}"
"""Name of the results with a share of labels."""


def require(evidence: EvidenceConfig, scenes: int) -> None:
    """Raise InputError for a share that is less than one of the train scenes; blocks are not known yet.

    Args:
        evidence: the shares.
        scenes: number of train scenes with all labels; 0 where scenes are divided inside.
    """
    least = math.ceil(1000 / scenes) / 1000 if scenes else 0
    # A share that was written as 0.333 of three scenes means one of them.
    if small := [f"{s:g}" for s in evidence.labelled if scenes and round(s * scenes, 2) < 1]:
        found = f"{', '.join(small)} of {scenes} train scenes is less than one scene"
        raise InputError("evidence.labelled", found, f"Give {least:g} or more, or more train scenes")


def name(config: Config, share: float) -> str:
    """Name of the results with a share of labels; the run's own, where it has this share."""
    if share == config.data.split.labelled:
        return config.dataset
    return LABELLED.format(dataset=config.dataset, share=share)


def others(config: Config) -> list[Config]:
    """Configs of the evidence's runs, but for this one."""
    return [with_share(config, s) for s in config.evidence.labelled if name(config, s) != config.dataset]


def with_share(config: Config, share: float) -> Config:
    """The config with another share of labels, whose results lie in a folder of their own.

    Models to begin from that the run itself makes are those of the new run: others have seen its labels.
    """
    split = config.data.split.model_copy(update={"labelled": share})
    found = {"dataset": name(config, share), "data": config.data.model_copy(update={"split": split})}
    old, new = (f"results/{d}/" for d in (config.dataset, found["dataset"]))
    found["generators"] = {g: _moved(changes, old, new) for g, changes in config.generators.items()}
    start = config.image_train.start
    if start is not None and start.startswith(old):
        moved = {"start": start.replace(old, new, 1)}
        found["image_train"] = config.image_train.model_copy(update=moved)
    return config.model_copy(update=found)


def _moved(changes: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """Changes of a generator that begin from a model of the new run."""
    start = changes.get("image_train", {}).get("start")
    if not isinstance(start, str) or not start.startswith(old):
        return dict(changes)
    return merge(changes, {"image_train": {"start": start.replace(old, new, 1)}})


def tables(dag: "Dag", table: str) -> Callable[[Any], list[str]]:
    """A table of the evaluation with each share of labels, in the order of the evidence's section.

    It raises InputError for a share that is less than one scene, or whose files no rule can ask for.
    """

    def paths(wildcards: Any) -> list[str]:
        evidence = dag.config.evidence
        whole = type(dag)(with_share(dag.config, 1.0)).splits.values()
        require(evidence, sum(s == "train" for s in whole))
        for made in dag.others.values():
            made.require_files()
        return [f"results/{name(dag.config, s)}/evaluation/{table}.csv" for s in evidence.labelled]

    return paths


def shown(dag: "Dag") -> Callable[[Any], list[str]]:
    """The evidence, where the report of the run itself shall show it."""

    def paths(wildcards: Any) -> list[str]:
        wanted = dag.config.report.evidence and wildcards.dataset == dag.config.dataset
        return [f"results/{wildcards.dataset}/evidence/gain.csv"] if wanted else []

    return paths
