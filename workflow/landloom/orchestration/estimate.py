"""What a run will take, rule by rule: jobs, disk, memory, time. Nothing is measured; all is arithmetic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from landloom.errors import InputError
from landloom.orchestration import resources, storage
from landloom.orchestration.dag import Dag
from landloom.orchestration.resources import Tiles
from landloom.orchestration.workload import Workload

PROCESS, WITH_TORCH = 1_000_000_000, 3_000_000_000
"""Bytes of a job before its data: Python, libraries and Snakemake's own processes; the same with a GPU."""
TORCH = ("base", "encode", "features", "label_train", "label_sample", "image_train", "image_sample", "curate",
         "segment", "detect", "evaluate", "label_table")  # fmt: skip
TRAININGS = ("base", "label_train", "image_train", "segment", "detect")
"""Rules whose jobs go on from a checkpoint when their time is over."""
CHECKPOINT = 12
"""Bytes of a checkpoint for each trained parameter: itself and two moments of AdamW."""
AT_ONCE = 16
"""Trainings of a rule that run side by side, and keep a checkpoint, at most."""


@dataclass(frozen=True)
class Rate:
    """What a GPU does in a second.

    Attributes:
        tflops: its peak in bf16, in 10^12 FLOPs.
        use: share of its peaks that is reached.
        bandwidth: of its memory, in 10^12 bytes.
    """

    tflops: float = 312.0
    use: float = 0.3
    bandwidth: float = 2.0


@dataclass(frozen=True)
class Row:
    """What all jobs of a rule take.

    Attributes:
        rule: its name.
        jobs: their number.
        work: what they do together, in words.
        disk: bytes that they leave behind.
        checkpoints: bytes of checkpoints while they run.
        asked: bytes of memory that a job asks for at first.
        needed: bytes of memory that a job needs.
        minutes: that a job asks for at first.
        seconds: on a GPU, of all jobs together.
    """

    rule: str
    jobs: int
    work: str
    disk: int
    checkpoints: int
    asked: int
    needed: int
    minutes: int
    seconds: float


def rows(dag: Dag, tiles: Tiles, rate: Rate) -> list[Row]:
    """What the jobs of a run take, if all windows become tiles, in the order of the rules."""
    load, words = Workload(dag, tiles), dict(work(dag, tiles))
    disk = storage.data(dag.config, dag.trained, tiles)
    return [_row(load, rule, disk.get(rule, 0), words.get(rule, ""), rate) for rule in load.jobs]


def _row(load: Workload, rule: str, disk: int, words: str, rate: Rate) -> Row:
    jobs, saved, need = load.jobs[rule], load.saved.get(rule, 0), resources.needs(rule, load.config)
    held = max(_held(load, rule), default=0)
    torch = rule in TORCH or (rule == "caption" and load.captioner)
    process = (WITH_TORCH if torch else PROCESS) + 4 * load.loaded.get(rule, 0) + CHECKPOINT * saved
    return Row(
        rule=rule, jobs=jobs, work=words, disk=disk + 4 * saved * jobs,
        checkpoints=CHECKPOINT * saved * min(jobs, AT_ONCE), asked=need.memory * 10**6 + held,
        needed=process + held, minutes=need.minutes, seconds=_seconds(load, rule, rate),
    )  # fmt: skip


def _held(load: Workload, rule: str) -> Iterator[int]:
    """Yield bytes of data that jobs of a rule hold, for each generator, with the largest mix."""
    latents, largest = storage.latent_caches(load.config, load.tiles), max(load.config.mix.ratios)
    for g in storage.with_masks(load.config):
        yield resources.held(rule, load.config, load.tiles, g, largest, latents)


def _seconds(load: Workload, rule: str, rate: Rate) -> float:
    """Seconds of all jobs on a GPU; a caption is read at once, and written word by word."""
    found = load.flops.get(rule, 0) / (rate.tflops * 1e12 * rate.use)
    if rule == "caption" and load.captioner:
        caption = load.config.caption
        weights, batch = 4 * load.loaded[rule], caption.qwen_vl.batch
        found += load.tiles.train * caption.limit * weights / (batch * rate.bandwidth * 1e12 * rate.use)
    return found


def work(dag: Dag, tiles: Tiles) -> Iterator[tuple[str, str]]:
    """Yield rules and what their jobs do together."""
    config = dag.config
    pairs = sum(config.plan_of(g).count for g in config.generators)
    masks = sum(config.plan_of(g).count for g in storage.with_masks(config))
    yield from ((rule, f"{tiles.every:,} tiles") for rule in ("tile_scenes", "ratios"))
    yield from ((rule, f"{tiles.train:,} tiles") for rule in ("caption", "encode", "features"))
    yield (
        "base",
        "linked"
        if config.base.source != "scratch"
        else f"{config.base.vae.steps + config.base.unet.steps:,} steps",
    )
    yield "label_sample", f"{masks:,} masks"
    yield from ((rule, f"{pairs:,} pairs") for rule in ("image_sample", "curate"))
    yield "export", f"{storage.exported(config, dag.trained):,} pairs"
    yield "label_train", f"{config.label_train.steps:,} steps each"
    yield "image_train", f"{config.image_train.steps:,} steps each"
    yield "segment", f"{config.segment.steps:,} steps each"
    yield "detect", f"{config.detect.steps:,} steps each"


def total(found: Sequence[Row]) -> int:
    """Bytes of disk that a run takes at most."""
    return sum(r.disk + r.checkpoints for r in found)


def shortages(found: Sequence[Row]) -> list[InputError]:
    """Rules whose jobs ask for less memory or time than they need; trainings may take several turns."""
    problems = []
    for row in found:
        if row.jobs and row.needed > row.asked:
            said = f"asks for {gb(row.asked)} GB of memory and needs {gb(row.needed)}"
            remedy = f"Ask for mem_mb {-(-row.needed // 10**6)} in the profile's set-resources"
            problems.append(InputError(row.rule, said, remedy))
        if row.jobs and row.rule not in TRAININGS and row.seconds / row.jobs > 60 * row.minutes:
            said = f"asks for {row.minutes} minutes and needs {row.seconds / row.jobs / 60:.0f}"
            problems.append(InputError(row.rule, said, "Make more shards, or ask for more runtime"))
    return problems


def gb(size: float) -> str:
    """Bytes as gigabytes."""
    return f"{size / 1e9:,.1f}"
