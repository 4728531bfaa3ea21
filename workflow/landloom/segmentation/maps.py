"""Predictions of whole scenes as maps."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from landloom.data import samples
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.raster.class_map import Grid, writing
from landloom.scenes.naming import coded
from landloom.segmentation.predict import Found


def mapped(
    found: Found,
    folder: Path,
    tiles: Sequence[Path],
    dataset: Statistics,
    about: Mapping[str, object],
) -> Found:
    """Pass on tiles with their probabilities, scene by scene, and write the likeliest classes as maps.

    Args:
        found: tiles with probabilities (K, H, W).
        folder: where ``<scene>.tif`` is written, its name coded: class indices on the scene's grid, 255
            where no tile lies.
        tiles: shards of the tiles; they know the grids.
        dataset: classes.
        about: what else the maps' tags say.

    Raises:
        InputError: a shard does not know the grid of a scene.
    """
    folder.mkdir()
    tags = {f"LANDLOOM_{key.upper()}": str(value) for key, value in about.items()}
    tags |= {f"CATEGORY_{i}": name for i, name in enumerate(dataset.names)}
    tags["TIFFTAG_IMAGEDESCRIPTION"] = "Classes found by a network; not a reference"
    known = grids(tiles)
    for scene, part in groupby(found, lambda pair: pair[0].scene):
        if scene not in known:
            remedy = "It is from another edition of Landloom: delete it and run again"
            raise InputError(f"the shard of scene '{scene}'", "does not tell its grid", remedy)
        with writing(folder / f"{coded(scene)}.tif", known[scene], dataset.colors, tags) as put:
            for sample, probabilities in part:
                put(sample.row, sample.col, probabilities.argmax(0).astype(np.uint8))
                yield sample, probabilities


def grids(tiles: Sequence[Path]) -> dict[str, Grid]:
    """Grid of each scene of some shards, as the stage tile wrote it."""
    about = [samples.metadata(path).get("scenes", {}) for path in tiles]
    return {scene: Grid(**place) for scenes in about for scene, place in scenes.items()}
