"""Look at everything the user gave before any job starts, and report all problems at once."""

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from landloom.errors import InputError, InputErrors
from landloom.metrics import extractors
from landloom.models import layout
from landloom.objects import census
from landloom.objects.census import Census
from landloom.raster import alike, asked_scenes, map_survey, series_check, survey, vector_survey
from landloom.raster.ground import shared
from landloom.raster.survey import Pixels, SceneFacts
from landloom.raster.unknown import merged
from landloom.raster.windows import tiles
from landloom.runtime.command_line import Out
from landloom.scenes import published
from landloom.scenes.discovery import SceneFiles, divided, grouped, other_suffix, unpaired
from landloom.scenes.splits import SPLITS, UNLABELLED
from landloom.segmentation import networks

VERSION = 5
KEEP = False  # it looks at files that are no inputs, and at the machine

Counts = dict[str, NDArray[np.int64]]


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
    problems = [
        *layout.problems(base, tile.size),
        *networks.problems(segment, tile.size),
        *detectors.problems(detect, tile.size),
        *disk(config, out.parent),
    ]
    problems += extractors.problems(features)
    warnings = captioning.remarks(caption, base, [c.name for c in data.classes])
    try:
        scenes, labels = divided(data)
    except InputError as error:
        raise InputErrors([*problems, error]) from None
    if not captioned(out.parent, grouped(scenes, tile.scenes_per_shard)):
        problems += captioning.problems(caption)
    facts = headers(scenes, labels, data, tile, problems)
    unread = {labels[name] for name in labels.keys() - {f.files.name for f in facts}}
    problems += [*bands(facts, data), *sizes(facts, data, tile, unread)]
    wanted = drawn or SceneMaskConfig(), asked or SceneSampleConfig()
    names = [c.name for c in data.classes]
    problems += asked_scenes.problems(*wanted, names, tile.size, common(facts), out.parent)
    twice = same_ground(facts)
    problems += twice if data.split.same_ground == "error" else []
    if tile.dates is not None:
        wrong, said = series_check.look(facts, data, threads())
        problems += wrong
        warnings += said
    windows = Counter(label for f in facts for label, _ in tiles(f.areas, tile, data.split.buffer))
    problems += shortages(mix, dict(zip(generator, pairs, strict=True)), windows["train"])
    marked = objects(facts, data, len(facts) == len(scenes), problems)
    shapes = vector_survey.look(facts, data, threads())
    problems += shapes.problems
    warnings += shapes.remarks
    found, share = scan([] if shapes.problems or data.painted else facts, config, data, problems)
    counts = marked.pixels if marked and data.painted else classes(found, data)
    if share and len(facts) == len(scenes):
        # A part of the pixels cannot prove that a class is nowhere.
        gone = absent(counts, data)
        problems += gone if share == 1 else []
        warnings += [str(p) for p in gone] if share < 1 else []
    warnings += [*remarks(facts, data, tile), *alike.doubts([f.storage for f in facts])]
    wrong, surprising = map_survey.look(data.map, facts)
    problems += wrong
    warnings += [*doubts(found), *leftover(data), *surprising, *(census.said(marked) if marked else [])]
    seen = by_name([c.name for c in data.classes], counts)
    warnings += published.differences(config.published, labels, seen, (max(1, len(found)), share))
    warnings += [str(p) for p in twice] if data.split.same_ground == "warning" else []
    if problems:
        raise InputErrors(merged(vector_survey.misplaced(problems)))
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    report = summary(facts, labels, data, tile, counts)
    report |= {"scanned": 1.0 if data.painted else share, "warnings": warnings}
    if marked and data.objects is not None:
        report["objects"] = by_name(data.objects.names, marked.objects)
    out.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")


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


def headers(
    scenes: Sequence[SceneFiles],
    labels: dict[str, str],
    data: DataConfig,
    tile: TileConfig,
    problems: list[InputError],
) -> list[SceneFacts]:
    """Facts of the scenes that can be read; what is wrong with the others is added to ``problems``."""
    problems += survey.missing(scenes)
    whole = [s for s in scenes if not survey.missing([s])]
    return survey.each(lambda s: survey.look(s, data, labels[s.name], tile.size), whole, problems, threads())


def threads() -> int:
    """Number of files to look at side by side."""
    return min(8, os.cpu_count() or 1)


def common(facts: Sequence[SceneFacts]) -> tuple[int, str] | None:
    """Number and type of bands of most scenes; None if none could be read."""
    return Counter((f.bands, f.dtype) for f in facts).most_common(1)[0][0] if facts else None


def bands(facts: Sequence[SceneFacts], data: DataConfig) -> list[InputError]:
    """Problems with the number and type of bands."""
    if not facts:
        return []
    count, dtype = common(facts) or (0, "")
    problems = [
        InputError(
            f.files.images[0],
            f"{f.bands} bands of {f.dtype}, most other scenes have {count} of {dtype}",
            "Choose bands that all scenes have with data.bands, or convert the file",
        )
        for f in facts
        if (f.bands, f.dtype) != (count, dtype)
    ]
    rgb = data.picture(count)
    if max(rgb) > count or min(rgb) < 1:
        problems.append(InputError("data.rgb", f"{rgb}, but {count} bands are read", f"Use 1 to {count}"))
    return problems


def sizes(
    facts: Sequence[SceneFacts], data: DataConfig, tile: TileConfig, unread: set[str]
) -> list[InputError]:
    """Problems with splits that get no tile, but for those of scenes that could not be read."""
    if not facts:
        return []
    windows = Counter(label for f in facts for label, _ in tiles(f.areas, tile, data.split.buffer))
    unit = "block" if data.split.by == "block" else "scene"
    if not tile.pad and all(min(f.height, f.width) < tile.size for f in facts):
        largest = max(facts, key=lambda f: min(f.height, f.width))
        found = f"no {unit} holds a tile of {tile.size} pixels, the largest scene being "
        found += f"{largest.width} x {largest.height}"
        return [InputError("tile.size", found, "Use a smaller tile.size, or tile.pad: true")]
    wanted = {"train": True, "val": True, "test": data.split.test}  # curate measures itself on val
    remedy = f"Change data.split (test may have a share of 0), or give more {unit}s that hold a tile"
    return [
        InputError(f"data.split.{s}", f"no {unit} that holds a tile is in {s}", remedy)
        for s in SPLITS
        if wanted[s] and not windows[s] and not {s, "block"} & unread
    ]


def same_ground(facts: Sequence[SceneFacts]) -> list[InputError]:
    """Problem with scenes of different splits that show the same ground."""
    pairs = shared([place for f in facts for place in f.ground])
    if not pairs:
        return []
    one, other = pairs[0]
    first = f"'{one.scene}' ({one.split}) and '{other.scene}' ({other.split})"
    found = f"scenes of different splits overlap on the ground, {len(pairs)} times, such as {first}"
    remedy = "Put scenes of one place into one split, or say data.split.same_ground: warning"
    return [InputError("data.split", found, remedy)]


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


def scan(
    facts: Sequence[SceneFacts], config: CheckConfig, data: DataConfig, problems: list[InputError]
) -> tuple[list[Pixels], float]:
    """What masks hold, by scene, and the share of all mask pixels that was looked at."""
    parts, share = survey.strips(facts, config.mask_pixels)
    jobs = [(f.files, p) for f, p in zip(facts, parts, strict=True) if p]
    before = len(problems)
    found = survey.each(lambda job: survey.count(job[0], data, job[1]), jobs, problems, threads())
    return found, share if len(problems) == before else 0.0


def classes(found: Sequence[Pixels], data: DataConfig) -> Counts:
    """Pixels (K,) of each class by split."""
    counts: Counts = {s: np.zeros(len(data.classes), np.int64) for s in SPLITS}
    for one in found:
        for label, number in one.counts.items():
            counts[label] += number
    return counts


def absent(counts: Counts, data: DataConfig) -> list[InputError]:
    """Problems with classes that no mask holds, or no mask in train; unlabelled ones are never looked at."""
    problems = []
    for i, spec in enumerate(data.classes):
        remedy = "Merge or drop it in data.classes, or correct its values"
        if not sum(counts[s][i] for s in SPLITS):
            problems.append(InputError(f"data.classes '{spec.name}'", "no mask holds this class", remedy))
        elif not counts["train"][i]:
            places = " and ".join(s for s in SPLITS if counts[s][i])
            remedy = "Merge or drop it in data.classes, or change data.split (its seed, say)"
            remedy += "; data.split.labelled is low" if data.split.labelled < 1 else ""
            problems.append(
                InputError(f"data.classes '{spec.name}'", f"only {places} hold it, train does not", remedy)
            )
    return problems


def remarks(facts: Sequence[SceneFacts], data: DataConfig, tile: TileConfig) -> list[str]:
    """Say what is not wrong but may surprise."""
    found = []
    if alpha := [f.files.images[0] for f in facts if f.alpha]:
        found.append(
            f"{len(alpha)} scenes have a band tagged alpha, such as {alpha[0]}: it marks missing pixels; "
            "list it in data.bands if it is data"
        )
    if paged := [name for f in facts for name in f.paged]:
        found.append(
            f"{len(paged)} files hold several pages, such as {paged[0]}: the first alone is read; if "
            "the others are bands, write them as bands of one page (gdalbuildvrt -separate)"
        )
    if lossy := [name for f in facts for name in f.lossy]:
        found.append(
            f"{len(lossy)} masks, such as {lossy[0]}, are compressed with loss: pixels at edges may hold the "
            "value of another class; export them again without loss, as PNG or GeoTIFF"
        )
    if small := [f.files.name for f in facts if not tiles(f.areas, tile, data.split.buffer)]:
        found.append(f"{len(small)} scenes are too small for a tile of {tile.size}, such as '{small[0]}'")
    return found


def doubts(found: Sequence[Pixels]) -> list[str]:
    """Say where files and config disagree on what is missing."""
    said = []
    if hidden := [p for p in found if p.hidden]:
        said.append(
            f"{len(hidden)} masks, such as {hidden[0].scene.masks[0]}, have {sum(p.hidden for p in hidden)} "
            "pixels of a class that are transparent (alpha 0) or hidden by a mask band: transparent ones "
            "keep their class, hidden ones are ignored; to ignore a colour, move it to data.ignore"
        )
    if some := [p for p in found if p.uncovered]:
        share = sum(p.uncovered for p in some) / sum(p.seen for p in some)
        said.append(
            f"{len(some)} scenes, such as '{some[0].scene.name}', lie in part beside their masks: "
            f"{sum(p.uncovered for p in some)} of their pixels ({100 * share:.2g} %) are ignored"
        )
    if partly := [p for p in found if p.partly]:
        said.append(
            f"{len(partly)} scenes, such as {partly[0].scene.images[0]}, have "
            f"{sum(p.partly for p in partly)} pixels with nodata in some bands only: they count as data, for "
            "the value may be a measurement; if they are missing, give each band as a file of its own"
        )
    return said


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
    facts: Sequence[SceneFacts], labels: dict[str, str], data: DataConfig, tile: TileConfig, counts: Counts
) -> dict[str, Any]:
    """What was found, as JSON: scenes, windows by split, pixels of each class by split."""
    windows = Counter(label for f in facts for label, _ in tiles(f.areas, tile, data.split.buffer))
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
        "classes": by_name([c.name for c in data.classes], counts),
    }


def by_name(names: Sequence[str], counts: Counts) -> dict[str, dict[str, int]]:
    """Numbers by class and split."""
    return {name: {s: int(counts[s][i]) for s in SPLITS} for i, name in enumerate(names)}
