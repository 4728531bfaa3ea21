"""``plan``: which class mixes are asked for."""

from typing import Literal, Self

from pydantic import Field, model_validator

from landloom.config.section import Section


class MixGoal(Section):
    """A group of requests with one goal."""

    goal: Literal["match", "boost", "table"] = "match"
    """'match' draws real ratios, 'boost' multiplies classes in them, 'table' repeats given rows."""
    share: float = Field(default=1.0, gt=0)
    """Share of the requests, relative to the other groups."""
    boost: dict[str, float] = {}
    """Factor per class for 'boost', such as {car: 3}; ratios are brought back to a sum of one."""
    table: list[dict[str, float]] = []
    """Rows of class ratios for 'table'; each row sums to one, classes left out are zero."""

    @model_validator(mode="after")
    def _needs(self) -> Self:
        if self.goal == "boost" and not self.boost:
            raise ValueError("goal 'boost' needs boost: {class: factor}")
        if any(f <= 0 for f in self.boost.values()):
            raise ValueError("boost factors must be above 0")
        if self.goal == "table" and not self.table:
            raise ValueError("goal 'table' needs rows in table")
        for row in self.table:
            if any(v < 0 for v in row.values()) or abs(sum(row.values()) - 1) > 1e-3:
                raise ValueError(f"ratios must be 0 or more and sum to one: {row}")
        return self


class PlanConfig(Section):
    """Settings of the plan."""

    count: int = Field(default=256, ge=1)
    """Samples to ask for."""
    shards: int = Field(default=1, ge=1)
    """Jobs that share the work; each samples one shard."""
    captions: Literal["auto", "template", "bank"] = "auto"
    """Words for the images: 'template' from the asked mix, 'bank' from train tiles with a similar mix; 'auto'
    is the bank when a model writes the captions."""
    nearest: int = Field(default=4, ge=1)
    """Train tiles nearest to the asked mix from which the bank draws."""
    mixes: dict[str, MixGoal] = Field(default={"real": MixGoal()}, min_length=1)
    """Named groups of requests."""
