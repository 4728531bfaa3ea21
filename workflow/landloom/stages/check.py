"""Look at everything the user gave before any job starts, and report all problems at once."""

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from landloom.captioning import problems as captioning
from landloom.config.base import BaseConfig
from landloom.config.caption import CaptionConfig
from landloom.config.check import CheckConfig
from landloom.config.data import DataConfig
from landloom.config.detect import DetectConfig
from landloom.config.features import FeaturesConfig
from landloom.config.mix import MixConfig
from landloom.config.scene_mask import SceneMaskConfig
from landloom.config.scene_sample import SceneSampleConfig
from landloom.config.segment import SegmentConfig
from landloom.config.tile import TileConfig
from landloom.detection import networks as detectors
from landloom.errors import Findings, InputError, InputErrors
from landloom.metrics import extractors
from landloom.models import layout
from landloom.objects import census
from landloom.objects.census import Census
from landloom.raster import (
    asked_scenes,
    levels,
    map_survey,
    mask_check,
    scene_check,
    series_check,
    survey,
    vector_survey,
)  # fmt: skip
from landloom.raster.mask_check import Counts
from landloom.raster.scene_check import threads
from landloom.raster.survey import SceneFacts
from landloom.raster.unknown import merged
from landloom.runtime.command_line import Out
from landloom.scenes import published
from landloom.scenes.discovery import divided, grouped, other_suffix, unpaired
from landloom.scenes.naming import scaled
from landloom.scenes.splits import SPLITS, UNLABELLED
from landloom.segmentation import networks

VERSION = 5
KEEP = False  # it looks at files that are no inputs, and at the machine


def run(
    config: CheckConfig, data: DataConfig, tile: TileConfig, base: BaseConfig, segment: SegmentConfig,
    caption: CaptionConfig, features: FeaturesConfig, mix: MixConfig, generator: list[str], pairs: list[int],
    out: Out, detect: DetectConfig | None = None, drawn: SceneMaskConfig | None = None,
    asked: SceneSampleConfig | None = None,
) -> None:  # fmt: skip
    """Write what was found; raise one error that lists every problem.

    ``pairs`` is the number of pairs that each ``generator`` plans; ``drawn`` and ``asked`` are the masks and
    images of whole scenes that are wanted.
    """
    names = [c.name for c in data.classes]
    found = Findings(
        [
            *layout.problems(base, tile.size),
            *networks.problems(segment, tile.size),
            *detectors.problems(detect, tile.size),
            *disk(config, out.parent),
            *extractors.problems(features),
        ],
        captioning.remarks(caption, base, names),
    )
    try:
        scenes, labels = divided(data)
    except InputError as error:
        raise InputErrors([*found.problems, error]) from None
    parts = grouped(scenes, tile.scenes_per_shard)
    if not captioned(out.parent, [scaled(p, s) for s in tile.scales for p in parts]):
        found.problems += captioning.problems(caption)
    facts = scene_check.headers(scenes, labels, data, tile, found.problems)
    found += look(facts, labels, data, tile)
    planned = dict(zip(generator, pairs, strict=True))
    found.problems += shortages(mix, planned, scene_check.windows(facts, data, tile)["train"])
    wanted, kind = (drawn or SceneMaskConfig(), asked or SceneSampleConfig()), scene_check.common(facts)
    found.problems += asked_scenes.problems(*wanted, names, tile.size, kind, out.parent)
    report = contents(facts, labels, config, data, len(facts) == len(scenes), found)
    if found.problems:
        raise InputErrors(merged(vector_survey.misplaced(found.problems)))
    for remark in found.remarks:
        print(f"warning: {remark}", file=sys.stderr)
    report = summary(facts, labels, data, tile) | report | {"warnings": found.remarks}
    out.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")


def look(facts: Sequence[SceneFacts], labels: dict[str, str], data: DataConfig, tile: TileConfig) -> Findings:
    """What there is to say of scenes by their headers, dates and maps."""
    unread = {labels[name] for name in labels.keys() - {f.files.name for f in facts}}
    found = Findings(
        [*scene_check.bands(facts, data), *scene_check.sizes(facts, data, tile, unread)],
        [*scene_check.remarks(facts, data, tile), *leftover(data)],
    )
    found += levels.look(facts, data, tile)
    found += scene_check.ground(facts, data)
    if tile.dates is not None:
        found += series_check.look(facts, data, threads())
    found += map_survey.look(data.map, facts)
    return found


def contents(
    facts: Sequence[SceneFacts], labels: dict[str, str], config: CheckConfig, data: DataConfig, whole: bool,
    found: Findings,
) -> dict[str, Any]:  # fmt: skip
    """Look into masks and objects; returns what is in them, as JSON.

    Args:
        facts: of the scenes that can be read.
        labels: split of each scene.
        config: how much of the masks is looked at.
        data: the scenes' section.
        whole: whether these are all scenes; no class is missed otherwise.
        found: takes what is wrong.
    """
    marked = objects(facts, data, whole, found.problems)
    shapes = vector_survey.look(facts, data, threads())
    found += shapes
    readable = [] if shapes.problems or data.painted else facts
    pixels, share = mask_check.scan(readable, config, data, found.problems)
    counts = marked.pixels if marked and data.painted else mask_check.classes(pixels, data)
    if share and whole:
        # A part of the pixels cannot prove that a class is nowhere.
        gone = mask_check.absent(counts, data)
        found += Findings(gone) if share == 1 else Findings([], [str(p) for p in gone])
    seen = by_name([c.name for c in data.classes], counts)
    found.remarks += [*mask_check.doubts(pixels), *(census.said(marked) if marked else [])]
    found.remarks += published.differences(config.published, labels, seen, (max(1, len(pixels)), share))
    report: dict[str, Any] = {"classes": seen, "scanned": 1.0 if data.painted else share}
    if marked and data.objects is not None:
        report["objects"] = by_name(data.objects.names, marked.objects)
    return report


def disk(config: CheckConfig, folder: Path) -> list[InputError]:
    """Problem when the results' disk has less room than the config says; else see ``storage.full``."""
    free = shutil.disk_usage(folder).free / 1e9
    if config.free_disk_gb is None or free >= config.free_disk_gb:
        return []
    remedy = f"Make room, or set check.free_disk_gb below {config.free_disk_gb:g}"
    return [InputError(folder.resolve(), f"{free:.2f} GB are free", remedy)]


def captioned(results: Path, parts: Iterable[str]) -> bool:
    """Whether the captions of all shards are there: a server may be gone once it has done its work."""
    return all((results / "captions" / f"{p}.parquet").exists() for p in parts)


def shortages(mix: MixConfig, planned: dict[str, int], tiles: int) -> list[InputError]:
    """Problems with ratios that are less than one pair, and with plans of fewer pairs than the largest takes.

    Args:
        mix: the mixes.
        planned: pairs by generator.
        tiles: train tiles, if all windows become tiles.
    """
    largest = max(mix.ratios)
    needed = mix.pairs(largest, tiles)
    found = f"mix.ratios {largest:g} of up to {tiles} train tiles takes {needed} accepted pairs"
    remedy = f"Set it to {needed} or more (curate rejects some), or lower mix.ratios"
    problems = [
        InputError("mix.ratios", f"{r:g} of up to {tiles} train tiles is less than one pair", "Raise it")
        for r in mix.ratios
        if tiles and not mix.pairs(r, tiles)
    ]
    return problems + [
        InputError("plan.count", f"'{name}' plans {count} pairs, and {found}", remedy)
        for name, count in planned.items()
        if count < needed
    ]


def objects(
    facts: Sequence[SceneFacts], data: DataConfig, whole: bool, problems: list[InputError]
) -> Census | None:
    """Objects of all scenes, if there shall be any; a class may lack them in train only if some scenes do."""
    if data.objects is None:
        return None
    before = len(problems)
    parts = survey.each(lambda f: census.of_scene(f, data), facts, problems, threads())
    found = census.joined(parts, len(data.objects.names))
    problems += found.problems
    problems += census.absent(found, data.objects.names) if whole and len(problems) == before else []
    return found


def leftover(data: DataConfig) -> list[str]:
    """Say which files the patterns miss."""
    said = []
    if lonely := unpaired(data):
        found = f"{len(lonely)} masks have no image and are not used, such as {lonely[0]}"
        said.append(f"{found}: no file matches data.images there")
    if missed := other_suffix(data):
        found = f"{len(missed)} images are not used, such as {missed[0]}"
        said.append(f"{found}: data.images spells the suffix in another way; rename them")
    return said


def summary(
    facts: Sequence[SceneFacts], labels: dict[str, str], data: DataConfig, tile: TileConfig
) -> dict[str, Any]:
    """What was found, as JSON: scenes, and windows by split."""
    windows = scene_check.windows(facts, data, tile)
    return {
        "scenes": [
            {
                "name": f.files.name,
                "split": labels[f.files.name],
                "width": f.width,
                "height": f.height,
                "bands": f.bands,
                "dtype": f.dtype,
                "crs": f.crs,
            }
            | ({"aligned": f.aligned} if f.aligned else {})
            for f in facts
        ],
        "windows": {s: windows[s] for s in (*SPLITS, UNLABELLED) if s in SPLITS or windows[s]},
    }


def by_name(names: Sequence[str], counts: Counts) -> dict[str, dict[str, int]]:
    """Numbers by class and split."""
    return {name: {s: int(counts[s][i]) for s in SPLITS} for i, name in enumerate(names)}
