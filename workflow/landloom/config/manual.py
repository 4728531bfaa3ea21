"""The parts of the manual that follow from the sections: the JSON schema, and the tables in config/README.md.

``python -m landloom.config.manual`` writes both; with ``--check`` it only says whether they are up to date.
"""

import argparse
import json
import re
import sys
import types
import typing
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from landloom.config import GENERATOR_SECTIONS, Config
from landloom.config.caption import Template
from landloom.config.data import Color
from landloom.config.section import NAME

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "workflow/schemas/config.schema.json"
README = ROOT / "config/README.md"
BLOCK = re.compile(r"(?P<head><!-- generated: (?P<name>\w+) -->\n).*?(?P<tail><!-- end -->)", re.DOTALL)
NAMED = {str: "text", int: "integer", float: "number", bool: "true or false", date: "date"}
LIMITS = {
    "ge": "at least {}",
    "gt": "above {}",
    "le": "at most {}",
    "lt": "below {}",
    "multiple_of": "a multiple of {}",
    "min_length": "length at least {}",
    "max_length": "length at most {}",
}
"""Words for the limits of a field."""


class Untitled(GenerateJsonSchema):
    """A JSON schema without titles that only repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """No title for any field."""
        return False


def schema() -> str:
    """JSON schema of the config, for editors and other tools."""
    body = Config.model_json_schema(schema_generator=Untitled)
    for model in models(Config):
        found = body if model is Config else body["$defs"][model.__name__]
        for key, field in model.model_fields.items():
            node = found["properties"][key]
            if "$ref" in node:  # the defaults of a section stand in the section
                node.pop("default", None)
            elif not field.description and (text := meaning(model, key)):
                node["description"] = text
    body["title"] = "Landloom config"
    body["properties"]["generators"] = _generators(body["properties"]["generators"])
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(head | body, indent=1) + "\n"


def _generators(node: dict[str, Any]) -> dict[str, Any]:
    """Allow in a generator exactly the sections that may differ between generators."""
    changes = {s: {"$ref": f"#/$defs/{_section(s).__name__}"} for s in GENERATOR_SECTIONS}
    one = {"type": "object", "properties": changes, "additionalProperties": False}
    return node | {"additionalProperties": one, "propertyNames": {"pattern": f"^{NAME.pattern}$"}}


def _section(name: str) -> type[BaseModel]:
    return typing.cast(type[BaseModel], Config.model_fields[name].annotation)


def models(model: type[BaseModel]) -> list[type[BaseModel]]:
    """List a model and all models inside it, each once."""
    found = [model]
    for hint in hints(model).values():
        for inner in _inner(hint):
            found += [m for m in models(inner) if m not in found]
    return found


def hints(model: type[BaseModel]) -> dict[str, Any]:
    """Annotations of a model, by key."""
    every = typing.get_type_hints(model, include_extras=True)
    return {key: every[key] for key in model.model_fields}


def _inner(hint: Any) -> Iterator[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for part in typing.get_args(hint):
        yield from _inner(part)


def meaning(model: type[BaseModel], key: str) -> str:
    """Help text of a key; a section that only changes a default takes the text of the one it is made from."""
    for parent in model.__mro__:
        field = getattr(parent, "model_fields", {}).get(key)
        if field is not None and field.description:
            return " ".join(field.description.split())
    return ""


def table(name: str) -> str:
    """Markdown table of one key of the config, with everything inside it."""
    field, hint = Config.model_fields[name], hints(Config)[name]
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        found = list(rows(hint, ""))
    else:
        found = [_row(Config, name, name, field, hint)]
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in found)]) + "\n"


def rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield key, type, default and meaning; keys of inner sections are written with dots."""
    for key, hint in hints(model).items():
        yield _row(model, key, prefix + key, model.model_fields[key], hint)
        for inner in _inner(hint):
            yield from rows(inner, f"{prefix}{key}{_step(hint)}.")


def _step(hint: Any) -> str:
    """Spell what stands between a key and the keys inside it: '[]' for lists, '.<name>' for names."""
    kinds = {typing.get_origin(h) for h in (hint, *typing.get_args(hint))}
    return "[]" if list in kinds else ".<name>" if dict in kinds else ""


def _row(
    model: type[BaseModel], key: str, shown: str, field: FieldInfo, hint: Any
) -> tuple[str, str, str, str]:
    limits = [words.format(_value(v)) for n, words in LIMITS.items() if (v := _limit(field, n)) is not None]
    kind = ", ".join([kind_of(hint), *limits])
    return f"`{shown}`", _cell(kind), default(field), _cell(meaning(model, key))


def _limit(field: FieldInfo, name: str) -> Any:
    return next((getattr(m, name) for m in field.metadata if hasattr(m, name)), None)


def kind_of(hint: Any) -> str:
    """Spell a type for people."""
    if hint == Color:
        return "colour `'#rrggbb'`"
    if hint == Template:
        return "text"
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return kind_of(args[0])
    if origin is typing.Literal:
        return " or ".join(f"`{a}`" for a in args)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(kind_of(a) for a in args if a is not type(None))
    if origin is list or (origin is tuple and args[-1] is ...):
        return f"list of {_plural(args[0])}"
    if origin is tuple:
        return f"{len(args)} {_plural(args[0])}"
    if origin is dict and typing.get_origin(args[1]) is dict:
        return "nested mapping"
    if origin is dict:
        return f"mapping of names to {_plural(args[1])}"
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return "section"
    return NAMED.get(hint, "value")


def _plural(hint: Any) -> str:
    """Spell the items of a list or mapping."""
    found = kind_of(hint)
    return found + "s" if found in ("integer", "number", "section", "value") else found


def default(field: FieldInfo) -> str:
    """Spell a default as it would stand in the config."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return ""
    return f"`{_value(value)}`"


def _value(value: Any) -> str:
    def plain(x: Any) -> Any:
        if isinstance(x, BaseModel):
            return x.model_dump(exclude_defaults=True)
        raise TypeError(f"a default of type {type(x).__name__}")

    return json.dumps(value, default=plain)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def readme(text: str) -> str:
    """Text of config/README.md with its tables made anew.

    Raises:
        ValueError: a section has no place for its table, or a place has no section.
    """
    places = [m["name"] for m in BLOCK.finditer(text)]
    if sorted(places) != sorted(Config.model_fields):
        wrong = sorted(set(places) ^ set(Config.model_fields)) or "one twice"
        raise ValueError(f"config/README.md needs one place for each section; look at {wrong}")
    return BLOCK.sub(lambda m: m["head"] + "\n" + table(m["name"]) + "\n" + m["tail"], text)


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or compare them; returns the exit code."""
    parser = argparse.ArgumentParser(prog="landloom.config.manual", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file differs")
    check = parser.parse_args(arguments).check
    wanted = {SCHEMA: schema(), README: readme(README.read_text(encoding="utf-8"))}
    stale = [p for p, text in wanted.items() if not p.is_file() or p.read_text(encoding="utf-8") != text]
    for path in stale:
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        print(f"{'out of date' if check else 'written'}: {path.relative_to(ROOT)}", file=sys.stderr)
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
