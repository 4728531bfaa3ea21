"""Networks that judge samples: their trainings, and the settings of each."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from landloom.config import Config
from landloom.config.detect import DetectConfig
from landloom.config.segment import SegmentConfig

if TYPE_CHECKING:
    from landloom.orchestration.dag import Dag

JUDGES = ("segment", "detect")
"""Stages that train them."""
REAL = "real"
"""Name of the training set without synthetic samples; its ratio is 0."""


def section(config: Config, stage: str, network: str | None) -> SegmentConfig | DetectConfig:
    """The section of a stage; of a network its own settings, and those of its baseline.

    One more seed or network must not rerun the others.
    """
    found: SegmentConfig | DetectConfig = config.segment if stage == "segment" else detect(config)
    if not network:
        return found
    names = (network, getattr(found.networks[network], "baseline", None))
    own = {"networks": {n: found.networks[n] for n in names if n}, "seeds": [0, 1, 2]}
    return found.model_copy(update=own)


def detect(config: Config) -> DetectConfig:
    """The section of the detectors, which look for boxes of the kind that the data have."""
    found, objects = config.detect, config.data.objects
    if found.kind is not None or objects is None:
        return found
    return found.model_copy(update={"kind": objects.kind})


def trainings(dag: "Dag", stage: str, suffix: str = "") -> list[str]:
    """Folders of all trainings of a stage, with the dataset left as a wildcard.

    Networks that are compared with another one's training on real tiles have no other themselves.
    """
    sets = [(REAL, "0")] + [(g, r) for g in dag.generators for r in dag.ratios]
    judges = section(dag.config, stage, None)
    return [
        f"results/{{dataset}}/{stage}/{g}/{r}/{n}/{s}{suffix}"
        for g, r in sets for n, network in judges.networks.items() for s in judges.seeds
        if g == REAL or getattr(network, "baseline", None) is None
    ]  # fmt: skip


def expected(dag: "Dag") -> dict[str, Any]:
    """Settings of each network, as its jobs get them, by 'network/stage'."""
    networks = {s: section(dag.config, s, None).networks for s in JUDGES}
    return {f"{n}/{s}": section(dag.config, s, n) for s, found in networks.items() for n in found}


def detect_option(dag: "Dag") -> str:
    """Option of the check that names the detectors; nothing where there are none."""
    if not dag.config.detect.networks:
        return ""
    text = dag.lists.text("detect", detect(dag.config).model_dump_json(exclude_defaults=True))
    return f"--detect {shlex.quote(text)}"


def detector(dag: "Dag", wildcards: Any) -> list[str]:
    """The detector, trained on real tiles alone, that curation asks; none unless it names one."""
    name = dag.config.section("curate", wildcards.generator).model_dump()["detector"]
    seed = dag.config.detect.seeds[0]
    return [f"results/{wildcards.dataset}/detect/{REAL}/0/{name}/{seed}"] if name else []


def option(runs: Sequence[str]) -> str:
    """Option that names the detector, if there is one."""
    return f"--detector {shlex.quote(runs[0])}" if runs else ""
