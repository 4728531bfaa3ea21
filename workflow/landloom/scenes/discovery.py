"""Scenes: which image files and which mask belong together.

Standard library only: the Snakefile imports this at every start of every job.
"""

import fnmatch
import os.path
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from landloom.config.data import DataConfig, Split, drawn
from landloom.errors import InputError
from landloom.scenes import acquisition, manifest, naming, patterns
from landloom.scenes.naming import coded, place, placed, spelt
from landloom.scenes.splits import LEARNED, UNLABELLED, assign, withhold

ALIKE = ((".tif", ".tiff"), (".jpg", ".jpeg"))
"""Suffixes that mean the same."""


BESIDE = (".shx", ".dbf", ".prj", ".cpg")
"""Suffixes of the files beside a Shapefile: places, attributes, coordinate system, encoding."""


@dataclass(frozen=True)
class SceneFiles:
    """Files of one scene.

    Attributes:
        name: as it is shown, one line of any signs; in paths and ids stands ``naming.coded`` of it.
        images: files whose bands are stacked, in this order.
        mask: where the mask should be; ``check`` reports it when it is not there. None if it has none.
            Shapes may be the mask of several scenes.
        split: train, val, test or unlabelled when a manifest or the config says so.
        acquired: day of acquisition (YYYY-MM-DD) when they say so.
        cloud: share of cloud, 0 to 1, when they say so.
        gsd: metres that a pixel spans, when they say so.
        lon: longitude of the centre, degrees east, when they say so.
        lat: latitude of the centre, degrees north.
        place: name of the ground that it shows, when they say so.
        class_masks: in place of a mask, a file for each class that has one, in the order of ``data.classes``.
        objects: where its objects should be listed, in a file of its own or of all scenes; None if nowhere.
    """

    name: str
    images: tuple[Path, ...]
    mask: Path | None
    split: str | None = None
    acquired: str | None = None
    cloud: float | None = None
    gsd: float | None = None
    lon: float | None = None
    lat: float | None = None
    place: str | None = None
    class_masks: tuple[Path, ...] = ()
    objects: Path | None = None

    @property
    def ground(self) -> str:
        """What is dealt out as one: the place, or the scene itself; no name of a scene is one of a place."""
        return self.name if self.place is None else f"{self.place}\n"

    @property
    def masks(self) -> tuple[Path, ...]:
        """The mask or the files of the classes; none if it has no labels."""
        return self.class_masks if self.mask is None else (self.mask,)

    @property
    def labels(self) -> tuple[Path, ...]:
        """The masks, each with the files that lie beside it and belong to it."""
        return tuple(f for m in self.masks for f in (m, *beside(m)))

    @property
    def files(self) -> tuple[Path, ...]:
        """Image files, then those of the labels."""
        return (*self.images, *self.labels)


def beside(mask: Path) -> list[Path]:
    """Files without which a Shapefile says nothing or something else."""
    if mask.suffix.lower() != ".shp":
        return []
    return [p for s in BESIDE for p in (mask.with_suffix(s), mask.with_suffix(s.upper())) if p.is_file()]


def grouped(scenes: Sequence[SceneFiles], size: int) -> dict[str, list[str]]:
    """Scenes that are cut, captioned and encoded together, by name of their shard.

    With a ``size`` of one, the shard of each scene bears its coded name; else shards of up to ``size`` scenes
    with equally many image files are numbered.
    """
    if size == 1:
        return {coded(s.name): [s.name] for s in scenes}
    groups: list[list[SceneFiles]] = []
    for scene in scenes:
        last = groups[-1] if groups else []
        if not last or len(last) == size or len(last[0].images) != len(scene.images):
            groups.append([])
        groups[-1].append(scene)
    return {f"{i:05d}": [s.name for s in group] for i, group in enumerate(groups)}


def discover(data: DataConfig) -> list[SceneFiles]:
    """Find the scenes of a dataset, sorted by name.

    Raises:
        InputError: a pattern or manifest is wrong, nothing matches it, two scenes get one name, an image is
            its own mask, or an unlabelled scene has a file of another one.
    """
    if data.manifest is not None:
        found, where = list(_manifest(Path(data.manifest), data)), data.manifest
    elif data.scenes is not None:
        where = "data.scenes"
        found = [
            SceneFiles(
                spelt(s.name, where),
                tuple(map(Path, s.images)),
                None if s.mask is None else Path(s.mask),
                s.split,
                None if s.acquired is None else s.acquired.isoformat(),
                s.cloud,
                s.gsd,
                s.lon,
                s.lat,
                None if s.place is None else place(s.place, f"{where} '{s.name}', place"),
                objects=_listing(data, s.name),
            )
            for s in data.scenes
        ]
    else:
        where = "data.images"
        found = _patterns(_listed(data.images), data)
    if not found:
        raise InputError(where, "no scene is listed there", "List at least one scene")
    if data.unlabelled is not None:
        where += " and data.unlabelled"
        found += _unlabelled(_listed(data.unlabelled))
    _check_unshared(found, where)
    _check_apart(found, where)
    _check_capitals(found, where)
    if data.day_in_name is not None:
        found = [_dated(s, data.day_in_name) for s in found]
    return sorted(found, key=lambda s: s.name)


def _dated(scene: SceneFiles, form: str) -> SceneFiles:
    """A scene with the day that its name holds, unless it has one already."""
    day = None if scene.acquired else acquisition.in_name(scene.name, form, "data.day_in_name")
    return replace(scene, acquired=day.isoformat()) if day else scene


def divided(data: DataConfig) -> tuple[list[SceneFiles], dict[str, str]]:
    """Scenes of a dataset, sorted by name, and the split of each; the unlabelled ones have no mask.

    Raises:
        InputError: the scenes, or the rules that divide them, are wrong.
    """
    scenes = discover(data)
    labels = split_scenes(scenes, data.split)
    return [
        replace(s, mask=None, class_masks=()) if labels[s.name] == UNLABELLED else s for s in scenes
    ], labels


def _listed(given: str | list[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else given or []


def _check_unshared(scenes: list[SceneFiles], where: str) -> None:
    """Refuse unlabelled scenes that are also something else: a held-out one would be learned from."""
    apart = [s for s in scenes if s.split == UNLABELLED]
    if not apart:
        return
    owners = {os.path.normpath(f): s for s in scenes if s.split != UNLABELLED for f in s.files}
    met = [(f, s) for s in apart for f in s.images if os.path.normpath(f) in owners]
    if met:
        file, scene = met[0]
        owner = owners[os.path.normpath(file)]
        images = map(os.path.normpath, owner.images)
        kind = "an image" if os.path.normpath(file) in images else "the mask"
        found = f"{len(met)} files of unlabelled scenes belong to scenes with a mask, too, such as {file} of "
        found += f"'{scene.name}', which is {kind} of '{owner.name}'"
        remedy = "Take them out of one of them; data.split.labelled takes labels from train scenes"
        raise InputError(where, found, remedy)


def _check_apart(scenes: list[SceneFiles], where: str) -> None:
    seen: dict[str, SceneFiles] = {}
    for scene in scenes:
        if both := set(scene.masks) & set(scene.images):
            found = f"scene '{scene.name}' has {min(both)} as its image and as its mask"
            raise InputError(where, found, "Give the file of each")
        if (first := seen.setdefault(scene.name, scene)) is not scene:
            raise InputError(
                where,
                f"two scenes are called '{scene.name}': {first.images[0]} and {scene.images[0]}",
                "Rename one of them; wildcards are joined by '_', and an accent is one sign with its letter",
            )


def _check_capitals(scenes: list[SceneFiles], where: str) -> None:
    """Refuse names that differ in capitals alone where files cannot: one scene would replace the other's."""
    seen: dict[str, str] = {}
    twins = [
        (first, s.name) for s in scenes if (first := seen.setdefault(s.name.casefold(), s.name)) != s.name
    ]
    place = next(p for p in (Path("results"), Path()) if p.exists())
    if twins and naming.takes_capitals_for_small(place):
        one, other = twins[0]
        found = f"scenes '{one}' and '{other}' differ in capitals alone, which this file system does not see"
        raise InputError(where, found, "Rename one of them, or work in a folder that keeps them apart")


def _patterns(images: list[str], data: DataConfig) -> list[SceneFiles]:
    found = patterns.matched("data.images", images, _mask_patterns(data))
    scenes = [_matched(values, files, "data.images", data) for files, values in found]
    # Where both lie in one folder, a.tif beside a_mask.tif, the image pattern matches the masks, too.
    owners = {m: s for s in scenes for m in s.masks}
    return [s for s in scenes if any(owners.get(p, s) is s for p in s.images)]


def _listing(data: DataConfig, name: str, values: Mapping[str, str] | None = None) -> Path | None:
    """File that lists the objects of a scene, from the values of its wildcards; None without objects.

    Raises:
        InputError: the pattern has other wildcards.
    """
    if data.objects is None:
        return None
    known = {"scene": name} | dict(values or {})
    if unknown := sorted(set(patterns.wildcards(data.objects.path)) - set(known)):
        found = f"has the wildcard {{{unknown[0]}}}, and scenes have {', '.join(known)}"
        raise InputError("data.objects.path", found, "Use those")
    return Path(patterns.fill(data.objects.path, known))


def _mask_patterns(data: DataConfig) -> dict[str, str]:
    """Patterns of masks by key of the config; one file of shapes may serve all scenes, and is no pattern."""
    given = {f"data.masks.{n}": p for n, p in data.own.items()}
    given |= {"data.masks": data.masks} if isinstance(data.masks, str) else {}
    return {k: p for k, p in given.items() if patterns.wildcards(p) or not drawn(p)}


def _unlabelled(images: list[str]) -> list[SceneFiles]:
    found = patterns.matched("data.unlabelled", images)
    return [_matched(values, files, "data.unlabelled") for files, values in found]


def _matched(
    values: Mapping[str, str], images: tuple[Path, ...], where: str, data: DataConfig | None = None
) -> SceneFiles:
    """The scene of some values of the wildcards; unlabelled without a config that says its labels."""
    name, ground = spelt("_".join(values.values()), where), placed(values, where)
    if data is None:
        return SceneFiles(name, images, None, UNLABELLED, place=ground)
    mask = Path(patterns.fill(data.masks, values)) if isinstance(data.masks, str) else None
    own = tuple(Path(patterns.fill(p, values)) for p in data.own.values())
    listing = _listing(data, name, values)
    return SceneFiles(name, images, mask, place=ground, class_masks=own, objects=listing)


def lacking(path: Path) -> str:
    """Why a path is no file, as the end of a sentence."""
    if path.is_symlink() and not path.exists():
        return f"is a link to {path.readlink()}, which does not exist"
    return "is a folder, not a file" if path.is_dir() else "does not exist"


def unpaired(data: DataConfig) -> list[Path]:
    """Files that match the mask pattern but belong to no scene, sorted; none without patterns.

    Raises:
        InputError: the patterns find no scene.
    """
    if data.images is None:
        return []
    used = {os.path.normpath(p) for s in discover(data) for p in s.files}
    found: set[str] = set()
    for pattern in _mask_patterns(data).values():
        order = patterns.wildcards(pattern)
        keys = patterns.matches(pattern, order)
        found |= {patterns.fill(pattern, dict(zip(order, key, strict=True))) for key in keys}
    return sorted(Path(f) for f in found if os.path.normpath(f) not in used)


def other_suffix(data: DataConfig) -> list[Path]:
    """Files that an image pattern misses because their suffix is spelt otherwise, as .TIF or .tiff; sorted.

    Raises:
        InputError: the patterns find no scene.
    """
    given = _listed(data.images)
    used = {os.path.normpath(p) for s in discover(data) for p in s.files} if given else set()
    found = set()
    for pattern in given:
        suffix = Path(pattern).suffix
        if not suffix or "{" in suffix:
            continue
        spelt = next((a for a in ALIKE if suffix.lower() in a), (suffix.lower(),))
        order = [*patterns.wildcards(pattern), "other_suffix"]
        other = pattern.removesuffix(suffix) + ".{other_suffix}"
        for key in patterns.matches(other, order):
            if f".{key[-1].lower()}" in spelt:
                found.add(patterns.fill(other, dict(zip(order, key, strict=True))))
    return sorted(Path(f) for f in found if os.path.normpath(f) not in used)


def _manifest(path: Path, data: DataConfig) -> Iterator[SceneFiles]:
    for where, row in manifest.entries(path, masked=not data.painted):
        images = tuple(path.parent / name.strip() for name in row["image"].split(";") if name.strip())
        cloud, gsd, lon, lat = (float(row[k]) if k in row else None for k in ("cloud", "gsd", "lon", "lat"))
        yield SceneFiles(
            spelt(row["scene"], where), images, path.parent / row["mask"] if row["mask"] else None,
            row["split"] or None, row.get("acquired"), cloud, gsd, lon, lat, row.get("place"),
            objects=_listing(data, row["scene"]),
        )  # fmt: skip


def split_scenes(scenes: Sequence[SceneFiles], split: Split) -> dict[str, str]:
    """Split of each scene by name: train, val, test or unlabelled; 'block' when scenes are divided inside.

    Name patterns come first; a share counts over the places that no pattern took, a scene without a place
    being one of its own. Scenes that come unlabelled stay so; of the train places, those beyond the labelled
    share become so.

    Raises:
        InputError: a pattern matches no scene or the same one as another, the manifest names no split, or
            scenes of one place are in different splits.
    """
    given = {s.name: UNLABELLED for s in scenes if s.split == UNLABELLED}
    masked = [s for s in scenes if s.name not in given]
    labels = _split_masked(masked, split)
    _check_whole(scenes, given | labels)
    kept = withhold({s.ground: labels[s.name] for s in masked}, split.labelled, split.seed)
    return given | {s.name: kept[s.ground] for s in masked}


def _check_whole(scenes: Sequence[SceneFiles], labels: Mapping[str, str]) -> None:
    """Refuse a place of which something is learned and something held out, or that is in val and in test."""
    seen: dict[str, SceneFiles] = {}
    for scene in (s for s in scenes if s.place is not None):
        first = seen.setdefault(scene.ground, scene)
        one, other = labels[first.name], labels[scene.name]
        if one != other and not {one, other} <= {*LEARNED, "block"}:
            found = f"place '{scene.place}' is in {one} ('{first.name}') and in {other} ('{scene.name}')"
            raise InputError("data.split", found, "Put all scenes of a place into one split")


def _split_masked(scenes: Sequence[SceneFiles], split: Split) -> dict[str, str]:
    """``split_scenes`` of the scenes with masks, all of which are used."""
    if split.by == "block":
        return {s.name: "block" for s in scenes}
    if split.by == "manifest":
        return {s.name: _given(s) for s in scenes}
    result = _by_pattern([s.name for s in scenes], {"val": split.val, "test": split.test})
    rest = [s for s in scenes if s.name not in result]
    val, test = (0.0 if isinstance(x, list) else x for x in (split.val, split.test))
    dealt = assign(sorted({s.ground for s in rest}), val, test, split.seed)
    return result | {s.name: dealt[s.ground] for s in rest}


def _given(scene: SceneFiles) -> str:
    if scene.split is None:
        found = f"scene '{scene.name}' has no split"
        raise InputError("data.split.by: manifest", found, "Add it, or use data.split.by: scene")
    return scene.split


def _by_pattern(names: Sequence[str], wanted: Mapping[str, float | list[str]]) -> dict[str, str]:
    result: dict[str, str] = {}
    for label, given in wanted.items():
        for pattern in given if isinstance(given, list) else []:
            field, taken = f"data.split.{label}: '{pattern}'", _matching(names, pattern)
            if not taken:
                shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
                raise InputError(field, "matches no scene", f"The scenes are called {shown}")
            if twice := [n for n in taken if result.get(n, label) != label]:
                raise InputError(
                    field, f"scene '{twice[0]}' is in val already", "Let each scene be in one split"
                )
            result |= dict.fromkeys(taken, label)
    return result


def _matching(names: Sequence[str], pattern: str) -> list[str]:
    """The scene of this very name, which may hold brackets and stars, or those that the pattern matches."""
    pattern = unicodedata.normalize("NFC", pattern)
    return [pattern] if pattern in names else fnmatch.filter(names, pattern)
