"""``plan``: which class mixes are asked for."""

from collections.abc import Collection
from typing import Literal, Self

from pydantic import Field, model_validator

from landloom.config.section import NAME, Section

NEEDS = {
    "boost": ("boost", "boost: {class: factor}"),
    "balance": ("floor", "floor: {class: share}"),
    "deficit": ("mix", "mix: {class: share}"),
}
"""Field that a goal needs, and how it is written."""


class MixGoal(Section):
    """A group of requests with one goal."""

    goal: Literal["match", "balance", "boost", "deficit", "table"] = "match"
    """'match' draws real ratios. 'boost' multiplies classes in them, 'balance' raises classes to a floor,
    'deficit' bends them so that real and synthetic tiles together have a mix. 'table' repeats given rows."""
    share: float = Field(default=1.0, gt=0)
    """Share of the requests, relative to the other groups."""
    boost: dict[str, float] = {}
    """Factor per class for 'boost', such as {car: 3}; ratios are brought back to a sum of one."""
    floor: dict[str, float] = {}
    """Smallest share per class for 'balance', such as {car: 0.05}; other classes make room."""
    mix: dict[str, float] = {}
    """Share per class that real and synthetic tiles together shall have, for 'deficit'; sums to one."""
    table: list[dict[str, float]] = []
    """Rows of class ratios for 'table'; each row sums to one, classes left out are zero."""
    file: str | None = None
    """CSV or Parquet file with one column a class, in place of ``table``."""
    partial: bool = False
    """Rows of a table name only some classes, and sum to at most one: the others are left open. They are
    expected as in the real train tiles nearest to the row, and no lever binds them. A row that names every
    class sums to one."""

    @model_validator(mode="after")
    def _needs(self) -> Self:
        field, written = NEEDS.get(self.goal, ("", ""))
        if field and not getattr(self, field):
            raise ValueError(f"goal '{self.goal}' needs {written}")
        if any(f <= 0 for f in self.boost.values()):
            raise ValueError("boost factors must be above 0")
        if self.goal == "table" and bool(self.table) == bool(self.file):
            raise ValueError("goal 'table' needs rows in table, or a file, but not both")
        for row in self.table:
            check_row(row, self.partial)
        if self.mix:
            check_row(self.mix, False)
        if self.floor:
            check_row(self.floor, True)
        return self

    def rows(self) -> list[dict[str, float]]:
        """All shares that are given inline, by class."""
        return [*self.table, *([self.floor] if self.floor else []), *([self.mix] if self.mix else [])]


def check_row(row: dict[str, float], partial: bool) -> None:
    """Check one row of ratios.

    Raises:
        ValueError: a ratio is negative or not a number, or their sum is not what it must be.
    """
    total = sum(row.values())
    if not all(0 <= v <= 1 for v in row.values()) or not row:
        raise ValueError(f"ratios must be from 0 to 1: {row}")
    if partial and total > 1 + 1e-3:
        raise ValueError(f"ratios must sum to at most one, these sum to {total:g}: {row}")
    if not partial and abs(total - 1) > 1e-3:
        raise ValueError(f"ratios must be 0 or more and sum to one, these sum to {total:g}: {row}")


def check_complete(row: dict[str, float], names: Collection[str]) -> None:
    """Raise ValueError when a row of ratios leaves no class open and yet does not sum to one."""
    if set(names) <= set(row) and abs((total := sum(row.values())) - 1) > 1e-3:
        raise ValueError(f"ratios of all classes must sum to one, these sum to {total:g}: {row}")


def check_pixels(row: dict[str, float], size: int) -> None:
    """Raise ValueError when a ratio is above zero but below one pixel of a tile of ``size`` pixels."""
    for name, share in row.items():
        if 0 < share * size**2 < 1:
            found = f"{share:g} of {name} is less than one pixel"
            raise ValueError(f"{found} of a tile of {size} x {size}; the smallest share is {1 / size**2:.2g}")


class PlanConfig(Section):
    """Settings of the plan."""

    count: int = Field(default=256, ge=1)
    """Samples to ask for."""
    shards: int = Field(default=1, ge=1)
    """Jobs that share the work; each samples one shard."""
    captions: Literal["auto", "template", "bank"] = "auto"
    """Words for the images: 'template' from the asked mix, 'bank' from train tiles with a similar mix; 'auto'
    is the bank when a model writes the captions."""
    mixes: dict[str, MixGoal] = Field(default={"real": MixGoal()}, min_length=1)
    """Groups of requests, by names of letters, digits, '.', '_' and '-'."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if wrong := [m for m in self.mixes if not NAME.fullmatch(m)]:
            raise ValueError(f"mixes: the name '{wrong[0]}' may hold letters, digits, '.', '_' and '-' only")
        return self
