"""Can the days of a place be laid over each other? Looked at before any tile is cut."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.config.data import DataConfig
from landloom.errors import Findings, InputError
from landloom.raster import survey
from landloom.raster.ground import shared
from landloom.raster.reader import SceneReader
from landloom.raster.series import beneath, laid, require_alike
from landloom.raster.survey import SceneFacts
from landloom.raster.windows import Window
from landloom.scenes.discovery import SceneFiles

SIDE = 512
"""Side in pixels of the part in the middle of a scene in which days are compared."""
SHIFT = 0.5
"""Pixels that a day may lie beside another one."""
CLEAR = 12
"""How far, in standard deviations of all shifts, the likeliest one must stand out to be believed."""


@dataclass
class Days:
    """What was found in the scenes of one place, or of all.

    Attributes:
        problems: what makes other days useless.
        undated: scenes whose day is not known.
        twins: pairs of scenes of one day.
        shifts: scenes that lie beside the first of their place, and by how many pixels.
        dated: scenes that have another one of a known day.
    """

    problems: list[InputError] = field(default_factory=list)
    undated: list[str] = field(default_factory=list)
    twins: list[tuple[str, str]] = field(default_factory=list)
    shifts: list[tuple[str, str, float]] = field(default_factory=list)
    dated: int = 0


def look(facts: Sequence[SceneFacts], data: DataConfig, threads: int) -> Findings:
    """Problems and remarks of scenes whose other days are to be laid over their tiles."""
    places: dict[str, list[SceneFiles]] = {}
    for fact in facts:
        if fact.files.place is not None:
            places.setdefault(fact.files.place, []).append(fact.files)
    groups = [scenes for scenes in places.values() if len(scenes) > 1]
    problems = leaks(facts, data)
    found = survey.each(lambda scenes: compared(scenes, data), groups, problems, threads)
    problems += [p for days in found for p in days.problems]
    if not problems and not sum(days.dated for days in found):
        lacks = "no scene has another one of its place whose day is known"
        remedy = "Give scenes a place and a day (acquired), or leave tile.dates out"
        problems.append(InputError("tile.dates", lacks, remedy))
    return Findings(problems, list(remarks(found)))


def compared(scenes: Sequence[SceneFiles], data: DataConfig) -> Days:
    """What there is to say of the scenes of one place.

    Raises:
        InputError: a file cannot be read, or says a day that is none.
    """
    with ExitStack() as stack:
        readers = [stack.enter_context(SceneReader(s, data)) for s in scenes]
        days = {r.scene.name: r.acquired() for r in readers}
        known = [day for day in days.values() if day is not None]
        own = {name: len(known) - (day is not None) for name, day in days.items()}
        found = Days(
            undated=[n for n, day in days.items() if day is None], dated=sum(map(bool, own.values()))
        )
        found.twins = list(twins(days))
        found.problems += equal_files(scenes)
        try:
            for other in readers[1:]:
                require_alike(readers[0], other)
        except InputError as error:
            found.problems.append(error)
        else:
            lie(readers, found)
    return found


def twins(days: Mapping[str, date | None]) -> Iterator[tuple[str, str]]:
    """Yield scenes of a day that another one has already, with that one."""
    first: dict[date, str] = {}
    for name, day in days.items():
        if day is not None and first.setdefault(day, name) != name:
            yield first[day], name


def equal_files(scenes: Sequence[SceneFiles]) -> list[InputError]:
    """One problem for each scene whose image files are those of another, byte for byte."""
    sizes = Counter(tuple(p.stat().st_size for p in s.images) for s in scenes)
    alike = [s for s in scenes if sizes[tuple(p.stat().st_size for p in s.images)] > 1]
    return list(same(alike, [b"".join(map(digest, s.images)) for s in alike]))


def digest(path: Path) -> bytes:
    """Digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def same(scenes: Sequence[SceneFiles], pictures: Sequence[bytes]) -> Iterator[InputError]:
    """Yield a problem for each scene with the picture of an earlier one."""
    first: dict[bytes, SceneFiles] = {}
    for scene, picture in zip(scenes, pictures, strict=True):
        if (other := first.setdefault(picture, scene)) is not scene:
            found = f"the same picture as that of '{other.name}', {other.images[0]}, under two dates"
            remedy = "Take one of them out: an image would be told as another day of itself"
            yield InputError(f"scene '{scene.name}', {scene.images[0]}", found, remedy)


def lie(readers: Sequence[SceneReader], found: Days) -> None:
    """Add how the scenes of a place lie over the middle of the first one.

    Raises:
        InputError: a file cannot be read.
    """
    first, *others = readers
    whole, middle = Window(0, 0, first.height, first.width), centre(first)
    pictures, shown = [laid(first, first, middle)[0]], [first.scene]
    for other in others:
        if beneath(first, other, whole) is None:
            text = f"lies nowhere over '{first.scene.name}', of the same place '{first.scene.place}'"
            remedy = "Give scenes of different ground different places, or correct the georeference"
            found.problems.append(InputError(other.images[0].name, text, remedy))
            continue
        values, valid = laid(first, other, middle)
        if valid.mean() > 0.5 and np.ptp(values) > 0:
            shown.append(other.scene)
            pictures.append(values)
            distance = shift(grey(pictures[0]), grey(values, valid))
            if distance is not None and distance > SHIFT:
                found.shifts.append((other.scene.name, first.scene.name, distance))
    if not found.problems:
        found.problems += same(shown, [p.tobytes() for p in pictures])


def centre(scene: SceneReader) -> Window:
    """The part in the middle of a scene in which days are compared."""
    height, width = min(SIDE, scene.height), min(SIDE, scene.width)
    return Window((scene.height - height) // 2, (scene.width - width) // 2, height, width)


def grey(values: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Mean of the bands (H, W) around zero; zero where nothing is known."""
    found = values.astype(np.float64).mean(0)
    there = np.ones(found.shape, bool) if valid is None else valid
    return np.where(there, found - found[there].mean(), 0)


def shift(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Pixels by which two pictures (H, W) lie beside each other; None if that cannot be told.

    By phase correlation; between pixels after Foroosh, Zerubia and Berthod (2002).
    """
    taper = np.outer(*(np.hanning(n) for n in one.shape))
    cross = np.fft.fft2(one * taper) * np.conj(np.fft.fft2(other * taper))
    likely = np.fft.ifft2(cross / np.maximum(np.abs(cross), 1e-12)).real
    place = np.unravel_index(likely.argmax(), likely.shape)
    if likely[place] < CLEAR * likely.std():
        return None
    moves = []
    for axis in (0, 1):
        line = np.take(likely, place[1 - axis], 1 - axis)
        at, size = int(place[axis]), len(line)
        before, after = line[at - 1], line[(at + 1) % size]
        side = max(before, after, 0.0)
        part = side / (side + line[at]) * (1 if after > before else -1)
        moves.append((at + size // 2) % size - size // 2 + part)
    return float(np.hypot(*moves))


def leaks(facts: Sequence[SceneFacts], data: DataConfig) -> list[InputError]:
    """Problem with ground of a place that is learned from at one day and held out at another.

    Elsewhere ``data.split.same_ground`` may make a warning of it; here held-out pixels would be told.
    """
    if data.split.same_ground == "error":
        return []  # found for all scenes, and said
    place = {f.files.name: f.files.place for f in facts}
    pairs = [
        (one.scene, other.scene)
        for one, other in shared([g for f in facts for g in f.ground])
        if place[one.scene] == place[other.scene] is not None
    ]
    if not pairs:
        return []
    found = (
        f"blocks of different splits overlap in '{pairs[0][0]}' and '{pairs[0][1]}', two days of one place"
    )
    remedy = "Bring the days to one grid, or use data.split.by: scene; other days would show held-out pixels"
    return [InputError("data.split", found, remedy)]


def remarks(found: Sequence[Days]) -> Iterator[str]:
    """Yield what is not wrong but may surprise."""
    if undated := [n for days in found for n in days.undated]:
        yield (
            f"{len(undated)} scenes of a place have no known day, such as '{undated[0]}': no tile is told of "
            "them; give them acquired in the manifest, or data.day_in_name"
        )
    if pairs := [p for days in found for p in days.twins]:
        shown = " and ".join(pairs[0])
        yield f"{len(pairs)} scenes have the day of another one of their place, such as {shown}"
    if shifts := sorted((s for days in found for s in days.shifts), key=lambda s: -s[2]):
        name, first, distance = shifts[0]
        yield (
            f"{len(shifts)} scenes lie more than {SHIFT:g} pixels beside the first one of their place, such "
            f"as '{name}', {distance:.1f} pixels beside '{first}': bring them together (gdal_edit.py -a_ullr)"
        )
