"""Scenes: which image files and which mask belong together.

Standard library only: the Snakefile imports this at every start of every job.
"""

import fnmatch
import glob
import os.path
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from landloom.config.data import DataConfig, Split
from landloom.errors import InputError
from landloom.scenes import manifest
from landloom.scenes.splits import assign

WILDCARD = re.compile(r"\{(\w+)\}")
LONGEST = 190
"""Most bytes of a scene's name that a shard can bear: file systems take 255, and records and locks add."""

ALIKE = ((".tif", ".tiff"), (".jpg", ".jpeg"))
"""Suffixes that mean the same."""


@dataclass(frozen=True)
class SceneFiles:
    """Files of one scene.

    Attributes:
        name: letters and digits of any script, '.', '_' and '-' only; it stands in paths.
        images: files whose bands are stacked, in this order.
        mask: where the mask should be; ``check`` reports it when it is not there.
        split: train, val or test when a manifest or the config says so.
        acquired: day of acquisition (YYYY-MM-DD) when they say so.
        cloud: share of cloud, 0 to 1, when they say so.
    """

    name: str
    images: tuple[Path, ...]
    mask: Path
    split: str | None = None
    acquired: str | None = None
    cloud: float | None = None


def grouped(scenes: Sequence[SceneFiles], size: int) -> dict[str, list[str]]:
    """Scenes that are cut, captioned and encoded together, by name of their shard.

    With a ``size`` of one, the shard of each scene bears its name; else shards of up to ``size`` scenes with
    equally many image files are numbered.

    Raises:
        InputError: a shard shall bear a name that is too long for a file.
    """
    if size == 1:
        if long := [s for s in scenes if len(s.name.encode()) > LONGEST]:
            found = f"the name of scene '{long[0].name}' has {len(long[0].name.encode())} bytes"
            remedy = (
                f"Shorten it to {LONGEST}, or set tile.scenes_per_shard to 2 or more, which numbers shards"
            )
            raise InputError(long[0].images[0], found, remedy)
        return {s.name: [s.name] for s in scenes}
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
        InputError: a pattern or manifest is wrong, nothing matches it, two scenes get one name, or an image
            is its own mask.
    """
    if data.manifest is not None:
        found, where = list(_manifest(Path(data.manifest))), data.manifest
    elif data.scenes is not None:
        where = "data.scenes"
        found = [
            SceneFiles(
                _clean(s.name, where),
                tuple(map(Path, s.images)),
                Path(s.mask),
                s.split,
                None if s.acquired is None else s.acquired.isoformat(),
                s.cloud,
            )
            for s in data.scenes
        ]
    else:
        where = "data.images"
        images = [data.images] if isinstance(data.images, str) else data.images or []
        found = _patterns(images, data.masks or "")
    if not found:
        raise InputError(where, "no scene is listed there", "List at least one scene")
    _check_apart(found, where)
    return sorted(found, key=lambda s: s.name)


def _check_apart(scenes: list[SceneFiles], where: str) -> None:
    seen: dict[str, SceneFiles] = {}
    for scene in scenes:
        if scene.mask in scene.images:
            found = f"scene '{scene.name}' has {scene.mask} as its image and as its mask"
            raise InputError(where, found, "Give the file of each")
        if (first := seen.setdefault(scene.name, scene)) is not scene:
            raise InputError(
                where,
                f"two scenes are called '{scene.name}': {first.images[0]} and {scene.images[0]}",
                "Rename one of them; a wildcard's values are joined by '_', other signs become '-'",
            )


def _clean(name: str, where: str) -> str:
    """The name as it stands in paths and commands: it never looks like an option or a hidden file."""
    composed = unicodedata.normalize("NFC", name.strip())  # macOS spells accents as signs of their own
    cleaned = "".join(c if c in "._-" or unicodedata.category(c)[0] in "LMN" else "-" for c in composed)
    cleaned = re.sub(r"^-+", "-", re.sub(r"^\.+", "_", cleaned))
    if not cleaned:
        raise InputError(where, "a scene has no name", "Give every scene a name")
    return cleaned


def _patterns(images: list[str], masks: str) -> list[SceneFiles]:
    order = list(dict.fromkeys(WILDCARD.findall(images[0] if images else "")))
    for field, pattern in [*(("data.images", p) for p in images), ("data.masks", masks)]:
        _check_pattern(field, pattern, order)
    # A scene is there when any of its image files is; check reports those that are not.
    keys = sorted({key for pattern in images for key in _matches(pattern, order)})
    if not keys:
        raise _no_match(images[0])
    scenes = []
    for key in keys:
        values = dict(zip(order, key, strict=True))
        files = tuple(Path(_fill(p, values)) for p in images)
        scenes.append(SceneFiles(_clean("_".join(key), "data.images"), files, Path(_fill(masks, values))))
    # Where both lie in one folder, a.tif beside a_mask.tif, the image pattern matches the masks, too.
    owners = {s.mask: s for s in scenes}
    return [s for s in scenes if any(owners.get(p, s) is s for p in s.images)]


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
    if data.images is None or data.masks is None:
        return []
    used = {p for s in discover(data) for p in (*map(os.path.normpath, s.images), os.path.normpath(s.mask))}
    order = list(dict.fromkeys(WILDCARD.findall(data.masks)))
    found = {_fill(data.masks, dict(zip(order, k, strict=True))) for k in _matches(data.masks, order)}
    return sorted(Path(f) for f in found if os.path.normpath(f) not in used)


def other_suffix(data: DataConfig) -> list[Path]:
    """Files that an image pattern misses because their suffix is spelt otherwise, as .TIF or .tiff; sorted.

    Raises:
        InputError: the patterns find no scene.
    """
    patterns = [data.images] if isinstance(data.images, str) else data.images or []
    used = {os.path.normpath(p) for s in discover(data) for p in (*s.images, s.mask)} if patterns else set()
    found = set()
    for pattern in patterns:
        suffix = Path(pattern).suffix
        if not suffix or "{" in suffix:
            continue
        spelt = next((a for a in ALIKE if suffix.lower() in a), (suffix.lower(),))
        order = [*dict.fromkeys(WILDCARD.findall(pattern)), "other_suffix"]
        other = pattern.removesuffix(suffix) + ".{other_suffix}"
        for key in _matches(other, order):
            if f".{key[-1].lower()}" in spelt:
                found.add(_fill(other, dict(zip(order, key, strict=True))))
    return sorted(Path(f) for f in found if os.path.normpath(f) not in used)


def _check_pattern(field: str, pattern: str, order: list[str]) -> None:
    if re.search(r"[{}]", WILDCARD.sub("", pattern)):
        raise InputError(
            field, f"'{pattern}' has a brace that is no wildcard", "Write wildcards like {scene}"
        )
    found = set(WILDCARD.findall(pattern))
    if not found:
        raise InputError(
            field, f"'{pattern}' has no wildcard", "Put {scene} into it, or list the scenes under data.scenes"
        )
    if found != set(order):
        raise InputError(
            field,
            f"'{pattern}' has the wildcards {', '.join(sorted(found))}, the first image pattern has "
            f"{', '.join(sorted(order))}",
            "Use the same wildcards in all patterns",
        )


def _matches(pattern: str, order: list[str]) -> Iterator[tuple[str, ...]]:
    pattern = str(Path(pattern))  # as glob spells what it finds
    parts = WILDCARD.split(pattern)  # literal, name, literal, name, ...
    wild = "".join("*" if i % 2 else glob.escape(p) for i, p in enumerate(parts))
    seen: set[str] = set()
    regex = ""
    for i, part in enumerate(parts):
        if i % 2 == 0:
            regex += re.escape(part)
        else:
            regex += f"(?P={part})" if part in seen else f"(?P<{part}>[^/]+)"
            seen.add(part)
    for path in glob.glob(wild):  # noqa: PTH207 (Path.glob takes no absolute pattern)
        if match := re.fullmatch(regex, Path(path).as_posix()):
            yield tuple(match[name] for name in order)


def _fill(pattern: str, values: Mapping[str, str]) -> str:
    return WILDCARD.sub(lambda m: values[m[1]], pattern)


def _no_match(pattern: str) -> InputError:
    folder = Path(WILDCARD.split(pattern)[0] + "x").parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    held = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    shown = ", ".join(held[:5]) + (", ..." if len(held) > 5 else "")
    return InputError(
        "data.images",
        f"no file matches '{pattern}'; the nearest folder that exists is '{folder}', "
        f"with {shown or 'nothing'} in it",
        "Fix the pattern; paths are relative to the working folder, and neither '~' nor addresses such as "
        "https:// are understood",
    )


def _manifest(path: Path) -> Iterator[SceneFiles]:
    for where, row in manifest.entries(path):
        images = tuple(path.parent / name.strip() for name in row["image"].split(";") if name.strip())
        cloud = float(row["cloud"]) if "cloud" in row else None
        yield SceneFiles(
            _clean(row["scene"], where), images, path.parent / row["mask"], row["split"] or None,
            row.get("acquired"), cloud,
        )  # fmt: skip


def split_scenes(scenes: Sequence[SceneFiles], split: Split) -> dict[str, str]:
    """Split of each scene by name: train, val or test; 'block' when scenes are divided inside.

    Name patterns come first; a share counts over the scenes that no pattern took.

    Raises:
        InputError: a pattern matches no scene or the same one as another, or the manifest names no split.
    """
    if split.by == "block":
        return {s.name: "block" for s in scenes}
    if split.by == "manifest":
        return {s.name: _given(s) for s in scenes}
    result = _by_pattern([s.name for s in scenes], {"val": split.val, "test": split.test})
    rest = [s.name for s in scenes if s.name not in result]
    val, test = (0.0 if isinstance(x, list) else x for x in (split.val, split.test))
    return result | assign(rest, val, test, split.seed)


def _given(scene: SceneFiles) -> str:
    if scene.split is None:
        found = f"scene '{scene.name}' has no split"
        raise InputError("data.split.by: manifest", found, "Add it, or use data.split.by: scene")
    return scene.split


def _by_pattern(names: Sequence[str], wanted: Mapping[str, float | list[str]]) -> dict[str, str]:
    result: dict[str, str] = {}
    for label, patterns in wanted.items():
        for pattern in patterns if isinstance(patterns, list) else []:
            field, taken = f"data.split.{label}: '{pattern}'", fnmatch.filter(names, pattern)
            if not taken:
                shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
                raise InputError(field, "matches no scene", f"The scenes are called {shown}")
            if twice := [n for n in taken if result.get(n, label) != label]:
                raise InputError(
                    field, f"scene '{twice[0]}' is in val already", "Let each scene be in one split"
                )
            result |= dict.fromkeys(taken, label)
    return result
