"""What is fuzzed: a folder of small valid files, of which one is damaged, and what reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    """One way into Landloom.

    Attributes:
        kind: format of the damaged file; a row of the table.
        name: of the target.
        files: which files of the folder are damaged, as patterns.
        make: writes the valid files into a folder.
        read: what a user's command does with the folder; may raise InputError.
        weight: how often it is drawn.
    """

    kind: str
    name: str
    files: tuple[str, ...]
    make: Callable[[Path], object]
    read: Callable[[Path], object]
    weight: int = 1
