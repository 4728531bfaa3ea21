"""``landloom estimate``: what a run will take before it starts: disk, memory and GPU hours, rule by rule."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from landloom.config import Config
from landloom.errors import InputError, InputErrors
from landloom.orchestration import config_files, estimate, storage
from landloom.orchestration.dag import Dag
from landloom.orchestration.estimate import AT_ONCE, Rate, Row, gb
from landloom.orchestration.resources import Tiles
from landloom.raster import scene_check
from landloom.raster.unknown import merged
from landloom.runtime.command_line import unmarked
from landloom.scenes.discovery import divided
from landloom.stages import check

HEAD = ("rule", "jobs", "work", "disk GB", "memory GB asked", "needed", "hours a job asked", "GPU hours")
"""Columns; the first and the third are words."""
SAID = """
{train:,} train tiles{unlabelled} and {held_out:,} others, if all windows become tiles. Images are compressed
to {image:g} of their pixels, masks to {mask:g}; checkpoints are those of up to {once} trainings at once. GPU
hours are computed, not measured: FLOPs of the networks at {use:g} of {tflops:g} TFLOP/s, those in fp32 at a
sixteenth of it. What waits for data, starts and CPUs comes on top."""


def main(arguments: list[str]) -> int:
    """Print the table; returns 1 when disk, memory, time or pairs will not do."""
    given = parser().parse_args(arguments)
    dag = Dag(config_files.read(given.configfile or [Path("config/config.yaml")]))
    dag.require_files()
    found, rate = surveyed(dag.config), Rate(given.tflops, given.use, given.bandwidth)
    rows = estimate.rows(dag, found, rate)
    print("\n".join(table(rows)))
    about = {"train": found.train, "held_out": found.held_out, "image": storage.IMAGE, "mask": storage.MASK}
    more = f", {found.unlabelled:,} without labels" if found.unlabelled else ""
    print(SAID.format(**about, unlabelled=more, once=AT_ONCE, use=rate.use, tflops=rate.tflops))
    problems = [*short(dag, found), *estimate.shortages(rows)]
    problems += storage.full(dag.config, estimate.total(rows))
    for problem in problems:
        print(f"error: {problem}")
    return int(bool(problems))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made, rate = argparse.ArgumentParser(prog="landloom estimate", description=unmarked(__doc__)), Rate()
    made.add_argument("--configfile", type=Path, nargs="+", action="extend", help="as given to snakemake")
    for name, value, meaning in (
        ("tflops", rate.tflops, "peak of a GPU in bf16: 312 of an A100, 989 of an H100"),
        ("use", rate.use, "share of its peaks that is reached"),
        ("bandwidth", rate.bandwidth, "of its memory in TB/s: 2 of an A100, 3.4 of an H100"),
    ):
        made.add_argument(f"--{name}", type=float, default=value, help=f"{meaning} (%(default)s)")
    return made


def surveyed(config: Config) -> Tiles:
    """Number of tiles, by the headers of all rasters.

    Raises:
        InputErrors: rasters are missing or do not fit, as the check says it.
    """
    problems: list[InputError] = []
    scenes, labels = divided(config.data)
    facts = scene_check.headers(scenes, labels, config.data, config.tile, problems)
    problems += [
        *scene_check.bands(facts, config.data),
        *scene_check.sizes(facts, config.data, config.tile, set()),
    ]
    if problems:
        raise InputErrors(merged(problems))
    counts = scene_check.windows(facts, config.data, config.tile)
    return Tiles.of(counts, facts[0].bands, config.tile.size, facts[0].dtype)


def short(dag: Dag, found: Tiles) -> list[InputError]:
    """Generators that plan too few pairs."""
    planned = dict(zip(dag.generators, dag.pairs, strict=True))
    return check.shortages(dag.config.mix, planned, found.train)


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Lines of the table."""
    jobs, hours = sum(r.jobs for r in rows), sum(r.seconds for r in rows) / 3600
    lines = [
        HEAD, *(cells(r) for r in rows if r.jobs),
        ("checkpoints", "", "", gb(sum(r.checkpoints for r in rows)), "", "", "", ""),
        ("all", f"{jobs:,}", "", gb(estimate.total(rows)), "", "", "", f"{hours:,.1f}"),
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        sides = zip(line, widths, strict=True)
        padded = [c.ljust(w) if i in (0, 2) else c.rjust(w) for i, (c, w) in enumerate(sides)]
        yield "  ".join(padded).rstrip()


def cells(row: Row) -> tuple[str, ...]:
    """A row as words."""
    hours = (f"{row.minutes / 60:.1f}", f"{row.seconds / 3600:,.1f}" if row.seconds else "")
    return (row.rule, f"{row.jobs:,}", row.work, gb(row.disk), gb(row.asked), gb(row.needed), *hours)
