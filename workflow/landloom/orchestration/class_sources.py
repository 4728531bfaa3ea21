"""What makes each class in the user's masks, in words. No heavy imports: every job parses this."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from landloom.config.data import ClassSpec, DataConfig

if TYPE_CHECKING:
    from landloom.orchestration.dag import Dag


def words(dag: "Dag") -> Callable[[Any], str]:
    """Gives the words of all classes, for the report's command; they may hold braces."""
    return lambda wildcards: dag.lists.words("source", said(dag.config.data))


def said(data: DataConfig) -> list[str]:
    """Of each class its values or colours in the masks, or what else says it."""
    if data.painted:
        return ["no box", *(f"boxes of {c.name}" for c in data.classes[1:])]
    return [_one(data, c) for c in data.classes]


def _one(data: DataConfig, spec: ClassSpec) -> str:
    values = ", ".join(map(str, spec.values))
    if (file := data.own.get(spec.name)) is not None:
        return f"{values or 'not 0'} in {file}"
    if spec.name == data.rest:
        return "all other pixels"
    if data.vectors is not None and data.vectors.attribute is not None:
        return f"{data.vectors.attribute}: {values}"
    return values or "all shapes"
