"""Errors a user can act on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self


class InputError(Exception):
    """Something the user gave is wrong: names the place, what was found and what to do.

    Args:
        where: file, or file and field, that is wrong.
        found: what was found there.
        remedy: what the user should do about it.
    """

    def __init__(self, where: object, found: str, remedy: str) -> None:
        self.where, self.found, self.remedy = str(where), found, remedy
        super().__init__(f"{where}: {found}. {remedy}")


class InputErrors(InputError):
    """Several things are wrong; the message has one numbered line for each of the first ones."""

    SHOWN = 50

    def __init__(self, problems: Sequence[InputError]) -> None:
        self.problems = list({str(p): p for p in problems}.values())
        count = len(self.problems)
        lines = [f"  {i}. {problem}" for i, problem in enumerate(self.problems[: self.SHOWN], 1)]
        if count > self.SHOWN:
            lines.append(f"  ... and {count - self.SHOWN} more")
        super().__init__("input", f"{count} problems", "\n".join(lines))
        self.args = ("\n".join([f"{count} problem{'s' if count > 1 else ''} found:", *lines]),)


@dataclass
class Findings:
    """What is wrong with what the user gave, and what is not but may surprise."""

    problems: list[InputError] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def __iadd__(self, more: "Findings") -> Self:
        """Take what was found elsewhere, too."""
        self.problems += more.problems
        self.remarks += more.remarks
        return self


class Interrupted(SystemExit):
    """A training job was told to stop, saved its state and wants to be run again.

    The exit code is 75 (EX_TEMPFAIL in sysexits.h): "try again later".
    """

    CODE = 75

    def __init__(self) -> None:
        super().__init__(self.CODE)
