"""The list of each scene, and its objects as a tile takes them along."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from landloom.config.objects import ObjectsConfig
from landloom.errors import InputError, InputErrors
from landloom.objects import scene_objects
from landloom.objects.tiles import Layout
from landloom.raster.reader import SceneReader
from landloom.scenes import patterns
from landloom.scenes.discovery import SceneFiles
from landloom.scenes.splits import UNLABELLED


def given(
    files: Sequence[SceneFiles],
    config: ObjectsConfig | None,
    objects: Sequence[Path],
    listed: Sequence[str | None],
) -> list[SceneFiles]:
    """The scenes, each with the file that lists its objects, if it has one.

    Raises:
        InputError: the lists do not fit together.
    """
    if config is None:
        return list(files)
    if not patterns.wildcards(config.path):
        return [replace(f, objects=objects[0] if objects else None) for f in files]
    having = [said != "no" for said in listed]
    if sum(having) != len(objects):
        found = f"{len(objects)} files for {sum(having)} scenes that have one"
        raise InputError("tile, --objects and --listed", found, "Give one for each yes")
    files_given = iter(objects)
    return [
        replace(f, objects=next(files_given) if has else None) for f, has in zip(files, having, strict=True)
    ]


def layout(reader: SceneReader, split: str) -> Layout | None:
    """The objects of a scene; None if it has no such labels. A scene without a mask gets one from them.

    Raises:
        InputErrors: they cannot be read.
    """
    data = reader.data
    if data.objects is None or split == UNLABELLED:
        return None
    found = scene_objects.of_scene(reader, data.objects)
    if found.problems:
        raise InputErrors(scene_objects.merged(found.problems))
    if found.objects is None:
        return None
    made = Layout(found.objects, data.objects.share)
    reader.labels = made.painting() if data.painted else reader.labels
    return made
