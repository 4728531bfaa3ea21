"""The check, run by the workflow itself before its first job."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from landloom.config import Config, constraints
from landloom.config.image_sample import ImageSampleConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_sample import LabelSampleConfig
from landloom.config.label_train import LabelTrainConfig
from landloom.config.training import Training
from landloom.models import layout
from landloom.models.families import index
from landloom.orchestration import judging, storage
from landloom.orchestration.resources import Tiles
from landloom.orchestration.trained_models import TrainedModels
from landloom.provenance import records
from landloom.runtime import argument_files, gpus
from landloom.runtime import registry as stages

if TYPE_CHECKING:
    from landloom.orchestration.dag import Dag

OPTIONS = {
    "config": "check", "data": "data", "tile": "tile", "base": "base",
    "segment": "segment", "caption": "caption", "features": "features", "mix": "mix",
}  # fmt: skip
"""Options of the check's command line, and the sections of the config that they take."""


def before(dag: "Dag", workflow: Any) -> None:
    """Check all runs whose jobs are to be done: of each share of labels its own.

    Raises:
        SystemExit: as ``check``, or the disk has no room for all of them together.
    """
    jobs = list(workflow.dag.needrun_jobs())
    asked = all(job.rule.name == "check" for job in jobs)
    devices = gpus.visible() if workflow.nodes is None else []
    runs = {made.config.dataset: made for made in (dag.at(job.wildcards) for job in jobs)}
    for name, made in runs.items():
        if len(runs) > 1:
            print(f"Checking {name}", file=sys.stderr)
        check(made, devices, None if asked else made.files(None))
    if not asked:
        require_room([(made.config, made.trained) for made in runs.values()])


def check(dag: "Dag", devices: Sequence[str], rasters: Sequence[str] | None) -> None:
    """Run the check, unless it was run for these settings and rasters already.

    Args:
        dag: the run.
        devices: GPUs of this machine; none when it has none, or jobs run elsewhere.
        rasters: all image and mask files; None when a job of the run is the check itself.

    Raises:
        SystemExit: the check found problems and has printed them, or a GPU has no room for a network.
    """
    config = dag.config
    if found := [*unfit(config), *crowded(config, len(devices)), *lacking(config)]:
        raise SystemExit("\n".join(dict.fromkeys(found)))
    if rasters is None:
        return
    out = Path(f"results/{config.dataset}/check.json")
    sections = {option: config.section(name) for option, name in OPTIONS.items()}
    sections |= {"detect": judging.detect(config)} if config.detect.networks else {}
    values = {"generator": list(config.generators), "pairs": dag.pairs}
    values |= {} if config.detect.networks else {"detect": None}
    if not current(out, {o: s.model_dump(mode="json") for o, s in sections.items()} | values, rasters):
        command = [sys.executable, "-m", "landloom", "check", "--out", str(out)]
        for option, section in sections.items():
            text = section.model_dump_json(exclude_defaults=True)
            command += [f"--{option}", argument_files.text(option, text, argument_files.FOLDER)]
        command += ["--generator", *config.generators, "--pairs", *map(str, dag.pairs)]
        if subprocess.run(command).returncode:
            raise SystemExit(1)
    if devices:
        require_cards(dag, devices)


def require_cards(dag: "Dag", devices: Sequence[str]) -> None:
    """Refuse GPUs that are too small for the networks of a run, whatever the batch.

    Raises:
        SystemExit: there is a job that none of them can do; how much it needs has been printed.
    """
    # It builds the networks without weights to count them, which no machine without a GPU has to wait for.
    from landloom.orchestration import cards

    if problems := cards.small(dag, surveyed(dag.config), gpus.memory(devices)):
        raise SystemExit("\n".join(f"error: {p}" for p in problems))


def require_room(runs: Sequence[tuple[Config, TrainedModels]]) -> None:
    """Refuse a disk without room for the tiles and samples of all runs; trained networks come on top.

    Raises:
        SystemExit: there is less room; how much, and how much is needed, has been printed.
    """
    needed = [sum(storage.data(c, models, surveyed(c)).values()) for c, models in runs]
    beside = sum(storage.missing(c, size) for (c, _), size in list(zip(runs, needed, strict=True))[1:])
    if problems := storage.full(runs[0][0], needed[0], beside):
        raise SystemExit(f"error: {problems[0]}")


def surveyed(config: Config) -> Tiles:
    """The tiles that the check has counted, if all windows become tiles."""
    found = json.loads(Path(f"results/{config.dataset}/check.json").read_text())
    scene = found["scenes"][0]
    return Tiles.of(found["windows"], scene["bands"], config.tile.size, scene["dtype"])


def crowded(config: Config, devices: int) -> Iterator[str]:
    """Yield which trainings share their batches among more GPUs than this machine has."""
    for name in ("base", "label_train", "image_train", "segment", "detect"):
        for generator in (None, *config.generators):
            needed = config.section(name, generator).gpus
            if devices and needed > devices:
                yield f"{name}.processes: {needed}, but this machine has {devices} GPUs. Set it to {devices}"
                break


def lacking(config: Config) -> Iterator[str]:
    """Yield which trainings ask for an optimiser whose package is not installed."""
    if importlib.util.find_spec("bitsandbytes") is not None:
        return
    for name in ("base", "label_train", "image_train", "segment", "detect"):
        sections = [config.section(name, g) for g in (None, *config.generators)]
        parts = [p for s in sections for p in (s, *(v for _, v in s)) if isinstance(p, Training)]
        if any(p.optimizer == "adamw_8bit" for p in parts):
            yield f"{name}: the optimizer adamw_8bit needs bitsandbytes. pip install 'landloom[8bit]'"


def unfit(config: Config) -> Iterator[str]:
    """Yield what generators cannot do with the base that is at hand."""
    folder = layout.at_hand(config.base)
    if not isinstance(folder, Path) or any(layout.incomplete(folder)):
        return  # seen when the config was read, or still to be fetched, or the check says what is wrong
    pipeline = index.family(folder, index.read(folder))
    for name in config.generators:
        label = cast(LabelTrainConfig, config.section("label_train", name))
        masks = cast(LabelSampleConfig, config.section("label_sample", name))
        if masks.source == "model" and label.backend == "lora":
            yield from map(str, index.refused(pipeline, "label_train", label))
        image = cast(ImageTrainConfig, config.section("image_train", name))
        made = cast(ImageSampleConfig, config.section("image_sample", name))
        if made.source == "model" and image.translation is None:
            yield from constraints.latents(image, name, config.tile.size, index.shrinks(folder))
            yield from map(str, index.refused(pipeline, "image_train", image))


def current(out: Path, settings: dict[str, Any], rasters: Sequence[str]) -> bool:
    """Whether ``out`` was written for these settings, after the rasters were."""
    record = records.record_path(out)
    if not out.exists() or not record.exists():
        return False
    said = json.loads(record.read_text())
    newest = max((Path(f).stat().st_mtime for f in rasters), default=0)
    same = said["parameters"] == settings and said["version"] == stages.version("check")
    return bool(same and newest < out.stat().st_mtime)
