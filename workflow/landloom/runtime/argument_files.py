"""Long lists and texts on command lines: given through a file, ``@FILE``, so that no command overflows.

Linux takes 131,072 characters as one word, which the whole shell line of a job is. Short lists stay in the
command, where they are easy to read and to change. The file of a long one is named by its content: writers on
any node write the same bytes, whole and in one step, and a command from an old log finds its own list.
"""

import hashlib
import shlex
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from landloom.errors import InputError

FOLDER = Path("results/.landloom/lists")
"""Where the workflow's lists lie; relative, as all paths in its commands are."""

SHORT = 2_000
"""Most characters of a list in a command; the longest command has ten lists."""

SHORT_TEXT = 8_000
"""Most characters of a text in a command; the longest command has ten texts."""


def words(name: str, items: Sequence[str], folder: Path, write: bool = True) -> list[str]:
    """The items, or ``@FILE`` when they are long or one of them looks like that, or like an option.

    Args:
        name: what the list is called in the name of its file.
        items: none of them with a line break.
        folder: where files of lists lie.
        write: whether to write the file; its name is the same without.
    """
    if sum(len(i) + 1 for i in items) <= SHORT and not any(i.startswith(("@", "--")) for i in items):
        return list(items)
    return [_file(name, "".join(f"{i}\n" for i in items), folder, write)]


def text(name: str, content: str, folder: Path, write: bool = True) -> str:
    """A text, or ``@FILE`` when it is long."""
    return content if len(content) <= SHORT_TEXT else _file(name, content, folder, write)


def read(word: str) -> list[str]:
    """Items of the list that ``@FILE`` names, one a line.

    Raises:
        InputError: there is no such file.
    """
    return [line for line in read_text(word).split("\n") if line]


def read_text(word: str) -> str:
    """The text that ``@FILE`` names.

    Raises:
        InputError: there is no such file, or it is not UTF-8.
    """
    file = Path(word.removeprefix("@"))
    try:
        # Names of files may be no UTF-8 at all, and may hold what Python elsewhere takes for line breaks.
        return file.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        remedy = "The next run of snakemake writes it; for a file called @... write ./@..."
        raise InputError(file, "this list of a command line cannot be read", remedy) from None


def _file(name: str, content: str, folder: Path, write: bool) -> str:
    data = content.encode("utf-8", "surrogateescape")
    file = folder / f"{name}-{hashlib.sha256(data).hexdigest()[:16]}.txt"
    if write and not file.exists():
        partial = file.with_name(f".{uuid.uuid4().hex}.partial")
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(file)
    return f"@{file}"


class Lists:
    """Lists in the commands of rules.

    Args:
        running: whether this process runs jobs and so may write files, which a dry run does not.
    """

    def __init__(self, running: Callable[[], bool] = lambda: False) -> None:
        self.running = running

    def of(self, name: str) -> Callable[[Any, Any], str]:
        """A list among a rule's inputs, as words of its shell line; a parameter of the rule."""

        def listed(wildcards: Any, input: Any) -> str:
            found = getattr(input, name)
            return self.words(name, [found] if isinstance(found, str) else found)

        return listed

    def words(self, name: str, items: Sequence[str]) -> str:
        """Items as words of a shell line."""
        return shlex.join(words(name, items, FOLDER, self.running()))

    def text(self, name: str, content: str) -> str:
        """A text as a value of an option, not yet quoted."""
        return text(name, content, FOLDER, self.running())
