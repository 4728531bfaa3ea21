"""All conditions by name, and those of a trained model in its folder."""

import json
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from landloom.conditions.base import Condition, Embed, Host, Training
from landloom.conditions.boxes import Boxes
from landloom.conditions.dates import Dates
from landloom.conditions.edges import Edges
from landloom.conditions.embedding import Embedding
from landloom.conditions.group import Conditions
from landloom.conditions.known_pixels import KnownPixels
from landloom.conditions.low_resolution import LowResolution
from landloom.conditions.map import Map
from landloom.conditions.mask import Mask
from landloom.conditions.metadata import Metadata
from landloom.conditions.ratios import Ratios
from landloom.conditions.text import Text
from landloom.config.encode import EncodeConfig
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.runtime.reading import object_of, reading

CONDITIONS: dict[str, type[Condition]] = {
    c.name: c
    for c in (Mask, Text, Ratios, Metadata, LowResolution, Edges, KnownPixels, Dates, Map, Boxes, Embedding)
}
"""In the order in which they are built and draw random numbers: what is new goes to the end.

The first hint enters by the ControlNet's own stem, and words are the first of the tokens.
"""
FILE = "conditions.json"


def told(section: Training, host: Host) -> Conditions:
    """What a denoiser is told in training: the conditions that its section switches on."""
    found = (kind.told(section, host) for kind in CONDITIONS.values())
    return Conditions([c for c in found if c is not None])


def recorded(section: EncodeConfig, dataset: Statistics, tiles: Sequence[Path]) -> dict[str, Tensor]:
    """Raw tensors (N, ...) of the train tiles of shards, by condition, for the latents' file."""
    found = {name: kind.recorded(section, dataset, tiles) for name, kind in CONDITIONS.items()}
    return {name: raw for name, raw in found.items() if raw is not None}


def save(conditions: Conditions, folder: Path) -> None:
    """Write what a model was told in training into its folder."""
    for condition in conditions:
        condition.save(folder)
    (folder / FILE).write_text(json.dumps({c.name: _about(c) for c in conditions}, indent=1) + "\n")


def _about(condition: Condition) -> dict[str, object]:
    channels = {"channels": condition.channels} if condition.channels else {}
    return {"door": condition.door} | channels | condition.settings()


def load(folder: Path, embed: Embed | None = None) -> Conditions:
    """The conditions of a trained model.

    Args:
        folder: of the model.
        embed: text encoder of its base, for conditions in words.

    Raises:
        InputError: the folder does not say, or names a condition that is not known.
    """
    file = folder / FILE
    untold = "does not say what the model was told in training"
    with reading(file, untold, "Train it again"):
        body = object_of(file, "Train it again", untold)
        found = {name: dict(settings) for name, settings in body.items()}
    if unknown := sorted(set(found) - set(CONDITIONS)):
        text = f"names the conditions {', '.join(unknown)}, but this version has {', '.join(CONDITIONS)} only"
        raise InputError(file, text, "Use the version that trained the model, or train it again")
    with reading(folder, "its conditions cannot be read", "Train it again"):
        return Conditions([CONDITIONS[n].read(folder, s, embed) for n, s in found.items()], folder)
