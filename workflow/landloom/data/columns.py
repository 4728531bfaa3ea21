"""Columns of a table from the fields of a dataclass: each field is annotated with its Arrow type.

A new column is one line of the dataclass. A dataclass inside another becomes a struct, a list of them a list
of structs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

import pyarrow as pa

REQUIRED = "required"
"""Second annotation of a field that every table must have; the others may be absent."""
T = TypeVar("T")


@cache
def types(cls: type) -> dict[str, pa.DataType]:
    """Arrow type of each field, in order."""
    return {name: get_args(hint)[1] for name, hint in get_type_hints(cls, include_extras=True).items()}


@cache
def required(cls: type) -> frozenset[str]:
    """Fields that a table must have."""
    hints = get_type_hints(cls, include_extras=True)
    return frozenset(name for name, hint in hints.items() if REQUIRED in get_args(hint)[2:])


def struct(cls: type) -> pa.StructType:
    """Arrow type of a dataclass inside another."""
    return pa.struct(list(types(cls).items()))


@cache
def _inner(cls: type) -> dict[str, Any]:
    """Class of each field that holds objects of a dataclass, one or a list of them."""
    hints = get_type_hints(cls)
    found = {name: next(filter(is_dataclass, _named(h)), None) for name, h in hints.items()}
    return {name: kind for name, kind in found.items() if kind is not None}


def _named(hint: Any) -> Iterator[Any]:
    """All types that a hint names, such as those of ``list[Layer] | None``."""
    yield hint
    for part in get_args(hint):
        yield from _named(part)


def built(cls: Callable[..., T], row: Mapping[str, Any]) -> T:
    """An object from the values of a row; a field that is absent or null has its default."""
    kind: Any = cls
    return cls(**{k: value(kind, k, v) for k, v in row.items() if v is not None and k in types(kind)})


def value(cls: type, name: str, found: Any) -> Any:
    """What a cell of a column stands for: objects for structs, the cell itself otherwise."""
    kind = _inner(cls).get(name)
    if kind is None or found is None:
        return found
    return [built(kind, each) for each in found] if isinstance(found, list) else built(kind, found)


def plain(found: Any) -> Any:
    """What is written for the value of a field."""
    if isinstance(found, list):
        return [plain(each) for each in found]
    return asdict(found) if is_dataclass(found) and not isinstance(found, type) else found


def fits(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a column of one type can be read as another: a struct may lack fields."""
    if pa.types.is_list(found) and pa.types.is_list(wanted):
        return fits(found.value_type, wanted.value_type)
    if not (pa.types.is_struct(found) and pa.types.is_struct(wanted)):
        return bool(found == wanted)
    names = {f.name for f in wanted}
    return all(f.name not in names or fits(f.type, wanted.field(f.name).type) for f in found)
