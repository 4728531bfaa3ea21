"""What is wrong with scenes as their headers tell: bands, sizes, splits and places."""

import os
from collections import Counter
from collections.abc import Sequence

from landloom.config.data import DataConfig
from landloom.config.tile import TileConfig
from landloom.errors import Findings, InputError
from landloom.raster import alike, survey
from landloom.raster.ground import shared
from landloom.raster.survey import SceneFacts
from landloom.raster.windows import tiles
from landloom.scenes.discovery import SceneFiles
from landloom.scenes.splits import SPLITS


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


def windows(facts: Sequence[SceneFacts], data: DataConfig, tile: TileConfig) -> Counter[str]:
    """Number of windows that may become tiles, by split."""
    return Counter(label for f in facts for label, _ in tiles(f.areas, tile, data.split.buffer))


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
    counts = windows(facts, data, tile)
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
        if wanted[s] and not counts[s] and not {s, "block"} & unread
    ]


def ground(facts: Sequence[SceneFacts], data: DataConfig) -> Findings:
    """Scenes of different splits that show the same ground: wrong, or said, as the config has it."""
    found = same_ground(facts)
    if data.split.same_ground == "error":
        return Findings(found)
    return Findings([], [str(p) for p in found] if data.split.same_ground == "warning" else [])


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
    return [*found, *alike.doubts([f.storage for f in facts])]
