"""All conditions by name, and those of a trained model in its folder."""

import json
from pathlib import Path

from landloom.conditions.base import Condition, Embed
from landloom.conditions.group import Conditions
from landloom.conditions.mask import Mask
from landloom.conditions.ratios import Ratios
from landloom.conditions.text import Text
from landloom.errors import InputError

CONDITIONS: dict[str, type[Condition]] = {c.name: c for c in (Text, Ratios, Mask)}
FILE = "conditions.json"


def save(conditions: Conditions, folder: Path) -> None:
    """Write what a model was told in training into its folder."""
    for condition in conditions:
        condition.save(folder)
    text = json.dumps({c.name: {"door": c.door} | c.settings() for c in conditions}, indent=1)
    (folder / FILE).write_text(text + "\n")


def load(folder: Path, embed: Embed | None = None) -> Conditions:
    """The conditions of a trained model.

    Args:
        folder: of the model.
        embed: text encoder of its base, for conditions in words.

    Raises:
        InputError: the folder does not say, or names a condition that is not known.
    """
    file = folder / FILE
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        raise InputError(file, "does not say what the model was told in training", "Train it again") from None
    if unknown := sorted(set(found) - set(CONDITIONS)):
        text = f"names the conditions {', '.join(unknown)}, but this version has {', '.join(CONDITIONS)} only"
        raise InputError(file, text, "Use the version that trained the model, or train it again")
    return Conditions([CONDITIONS[n].read(folder, s, embed) for n, s in found.items()], folder)
