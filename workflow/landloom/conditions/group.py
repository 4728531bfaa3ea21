"""The conditions of one denoiser, in a fixed order; which of them guidance may leave out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from landloom.conditions.base import Condition
from landloom.errors import InputError

Given = dict[str, Tensor]
"""Raw tensors (B, ...) by name of the condition."""


class Conditions:
    """What one denoiser is told.

    Args:
        members: the conditions; random numbers are drawn, and tokens lie side by side, in their order.
        model: folder of the model that learned them, for messages.
    """

    def __init__(self, members: Sequence[Condition], model: object = "this training") -> None:
        self.members, self.model = {c.name: c for c in members}, model

    def __iter__(self) -> Iterator[Condition]:
        return iter(self.members.values())

    @property
    def hints(self) -> list[Condition]:
        """Those that enter through a ControlNet."""
        return [c for c in self if c.door == "hint"]

    def practised(self, rows: Mapping[str, Tensor], variants: Tensor) -> Given:
        """What training tells of rows of the cache, each turned by its own variant (B,)."""
        given: Given = {}
        for c in self:
            raw = c.practised(rows, variants)
            if c.follows in given:
                raw = c.nulled(raw, self.members[c.follows].untold(given[c.follows]))
            given[c.name] = raw
        return given

    def announce(self, rows: Mapping[str, Tensor]) -> None:
        """Begin to read what these rows of the cache will be told."""
        for c in self:
            c.announce(rows)

    def load(self, samples: Sequence[Any]) -> Given:
        """What a sampler tells of samples or requests."""
        return {c.name: c.load(samples) for c in self}

    def without(self, given: Given, names: Collection[str]) -> Given:
        """The same, with some conditions not told."""
        return {n: self.members[n].null.to(x).expand_as(x) if n in names else x for n, x in given.items()}

    def joined(self, name: str) -> frozenset[str]:
        """A condition with those that are never told without it."""
        return frozenset({name, *(c.name for c in self if c.follows == name)})

    def require_null(self, names: Collection[str], key: str) -> None:
        """Make sure that training has shown samples to which just these conditions were not told.

        Args:
            names: the conditions.
            key: the setting that asks for it.

        Raises:
            InputError: it has not, or there is no such condition.
        """
        if found := self._untrained(frozenset(names)):
            told = ", ".join(f"{c.name} (dropout {c.dropout:g})" for c in self)
            asked = f"asks for {' and '.join(sorted(names))} to be left out"
            raise InputError(key, f"{asked}, but {self.model} {found[0]}; it was told {told}", found[1])

    def _untrained(self, names: frozenset[str]) -> tuple[str, str] | None:
        """Why just these conditions were never left out, and what to do; None if they were."""
        if unknown := names - set(self.members):
            return f"knows no {' and '.join(sorted(unknown))}", "Set it to 1, or train with this condition"
        if always := {n for n in names if not self._dropped(n, names)}:
            remedy = "Set it to 1, or train with a dropout above 0"
            return f"never learned without {' and '.join(sorted(always))}", remedy
        if followers := frozenset[str]().union(*map(self.joined, names)) - names:
            return f"was never told {' and '.join(sorted(followers))} without them", "Leave it out too"
        return None

    def _dropped(self, name: str, names: frozenset[str]) -> bool:
        """Whether a condition is left out in training, by itself or with one of ``names`` that it follows."""
        follows = self.members[name].follows
        return self.members[name].dropout > 0 or (follows in names and self.members[follows].dropout > 0)
