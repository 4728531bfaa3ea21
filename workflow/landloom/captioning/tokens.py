"""How many tokens of the text encoder a caption takes."""

import re
from collections.abc import Callable

from landloom.config.base import BaseConfig
from landloom.errors import InputError
from landloom.models.hub import locate

PIECES = re.compile(r"[^\W\d_]+|\d|[^\w\s]+|_")
"""Words, single digits and runs of signs, as CLIP's tokenizer cuts a text."""
LETTERS = 4
"""Letters of an ASCII word that are taken for one token."""
ESTIMATE = "estimate"

Count = Callable[[str], int]


def counter(base: BaseConfig | None) -> tuple[Count, str]:
    """A function that counts, and the name of what it counts with.

    The base's own tokenizer counts when the base is a folder or hub id that lies on disk. A base from scratch
    learns its tokenizer later, from these very captions; then ``estimate`` counts.
    """
    if base is None or base.source == "scratch":
        return estimate, ESTIMATE
    try:
        folder = locate(base.model_copy(update={"download": False, "sha256": None})) / "tokenizer"
        from transformers import CLIPTokenizer

        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except (InputError, OSError, ValueError):  # not there yet: base says so
        return estimate, ESTIMATE
    return lambda text: len(tokenizer(text).input_ids), base.source


def estimate(text: str) -> int:
    """Tokens with start and end, rather too many than too few: every digit, every fourth letter, every sign.

    A letter outside ASCII counts as its bytes, for byte pairs never cut finer.
    """
    return 2 + sum(_cost(piece) for piece in PIECES.findall(text))


def _cost(piece: str) -> int:
    return -(-len(piece) // LETTERS) if piece.isascii() and piece.isalpha() else len(piece.encode())
