"""How a stage is called: typed paths in, typed paths out, all or nothing.

A stage module has a ``VERSION`` and a function ``run``. The annotations of ``run`` are the command line:
``In`` and ``Ins`` are inputs, ``Out`` is an output (file or folder), ``State`` a folder for checkpoints,
``How`` the part of the config that changes no result, any other pydantic model a JSON string. In place of the
words of a list, of a JSON string or of a ``Text`` there may be ``@FILE``, which holds them. An output gets
its name only after ``run`` has returned.
"""

import argparse
import inspect
import re
import shutil
import sys
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ValidationError

from landloom.config.run import RunConfig
from landloom.errors import InputError
from landloom.runtime import argument_files

In = Annotated[Path, "input"]
Ins = Annotated[list[Path], "input"]
Out = Annotated[Path, "output"]
State = Annotated[Path, "state"]
How = Annotated[RunConfig, "how"]
Text = Annotated[str, "text"]

DASH = "\0"
"""Put before a value that begins with a dash, so that argparse does not take it for an option; no word that
a shell passes can hold it."""
KINDS = {
    "input": "must be there",
    "output": "is made, all or nothing",
    "state": "folder of checkpoints",
    "json": "section of the config, as JSON or @FILE",
    "how": "section 'run' of the config, which changes no result",
}
"""What an option is where the stage says nothing of it."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a stage's ``run``."""

    name: str
    kind: str  # input, output, state, how, text, json or value
    type: Any
    many: bool
    required: bool
    default: Any


def parameters(run: Callable[..., None]) -> list[Parameter]:
    """Read the command line of a stage from the annotations of its ``run``."""
    hints = typing.get_type_hints(run, include_extras=True)
    return [_parameter(name, hints[name], p.default) for name, p in inspect.signature(run).parameters.items()]


def _parameter(name: str, hint: Any, default: Any) -> Parameter:
    required = default is inspect.Parameter.empty
    if typing.get_origin(hint) in (types.UnionType, typing.Union):  # "X | None": optional
        hint = next(a for a in typing.get_args(hint) if a is not type(None))
    kind = hint.__metadata__[0] if typing.get_origin(hint) is Annotated else "value"
    base = typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint
    many = typing.get_origin(base) is list
    inner = typing.get_args(base)[0] if many else base
    if kind == "value" and isinstance(inner, type) and issubclass(inner, BaseModel):
        kind = "json"
    return Parameter(name, kind, inner, many, required, None if required else default)


class _Parser(argparse.ArgumentParser):
    """Takes a word that begins with a dash but is no option for a value: files may be called -74_40.tif."""

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def, override]  # noqa: ANN001, ANN202
        words = sys.argv[1:] if args is None else args
        plain = [re.sub(r"^-(?!-[a-z-]+(=|$))", f"{DASH}-", w) for w in words]
        return super().parse_known_args(plain, namespace)


def parser(stage: str, run: Callable[..., None]) -> argparse.ArgumentParser:
    """Build the argument parser of one stage; all its options are long ones."""
    about, meanings = described(run)
    result = _Parser(
        prog=f"landloom {stage}", description=unmarked(about), add_help=False, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    result.add_argument("--help", action="help", help="show this text")
    for p in parameters(run):
        result.add_argument(
            f"--{p.name.replace('_', '-')}",
            dest=p.name,
            required=p.required,
            default=RunConfig.found() if p.kind == "how" else p.default,
            nargs="*" if p.many else None,  # type: ignore[arg-type]
            action=_Items if p.many else "store",
            type=_reader(p),
            metavar=p.kind.upper(),
            help=meanings.get(p.name, KINDS.get(p.kind, "")).replace("%", "%%") or None,
        )
    return result


def unmarked(doc: str | None) -> str:
    """A docstring as a terminal shows it, without the marks of code."""
    return (doc or "").replace("``", "")


def described(run: Callable[..., None]) -> tuple[str, dict[str, str]]:
    """What the docstring of a stage's ``run`` says: of the stage, and of each parameter by name."""
    about, *sections = re.split(r"\n\n(?=Args:|Raises:)", inspect.getdoc(run) or "")
    given = next((inspect.cleandoc(s[len("Args:") :]) for s in sections if s.startswith("Args:")), "")
    items = (item.partition(": ") for item in re.split(r"\n(?=\S)", given))
    return about, {name: unmarked(" ".join(text.split())) for name, _, text in items}


class _Items(argparse.Action):
    """Joins the items that each word of a list stands for."""

    def __call__(self, parser, namespace, values, option_string=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        setattr(namespace, self.dest, [item for items in values for item in items])


def _reader(p: Parameter) -> Callable[[str], Any]:
    """What makes a value of a word; of a word of a list, all its values."""

    def read(text: str) -> Any:
        word = text.removeprefix(DASH)
        try:
            if p.many:
                return [p.type(w) for w in (argument_files.read(word) if word.startswith("@") else [word])]
            if p.kind in ("how", "json", "text") and word.startswith("@"):
                word = argument_files.read_text(word)
            return p.type.model_validate_json(word) if issubclass(p.type, BaseModel) else p.type(word)
        except ValidationError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    read.__name__ = p.type.__name__  # as argparse calls it: invalid float value
    return read


def arguments(run: Callable[..., None], values: dict[str, Any], folder: Path) -> list[str]:
    """The command line that gives these values; long lists go to files in ``folder``."""
    words: list[str] = []
    for p in parameters(run):
        value = values.get(p.name)
        if value is not None:
            found = value if p.many else [value]
            items = [v.model_dump_json() if isinstance(v, BaseModel) else str(v) for v in found]
            words.append(f"--{p.name.replace('_', '-')}")
            words += argument_files.words(p.name, items, folder) if p.many else items
    return words


def paths(run: Callable[..., None], values: dict[str, Any], kind: str) -> dict[str, list[Path]]:
    """The given paths of one kind, by parameter name."""
    found = {}
    for p in parameters(run):
        value = values.get(p.name)
        if p.kind == kind and value is not None:
            found[p.name] = list(value) if p.many else [value]
    return found


def require(inputs: dict[str, list[Path]]) -> None:
    """Raise InputError for the first input that does not exist."""
    for name, files in inputs.items():
        for file in files:
            if not file.exists():
                raise InputError(
                    file, f"the input --{name} does not exist", "Make it first, or fix the path."
                )


@contextmanager
def atomic(outputs: Sequence[Path], allowed: Callable[[], None] = lambda: None) -> Iterator[list[Path]]:
    """Yield temporary paths; on success rename them to ``outputs``, on failure remove them.

    ``allowed`` is called just before the renaming and may raise, to forbid it.
    """
    partial = [o.with_name(f".{o.name}.partial") for o in outputs]
    for p, o in zip(partial, outputs, strict=True):
        o.parent.mkdir(parents=True, exist_ok=True)
        remove(p)
    try:
        yield partial
        for p, o in zip(partial, outputs, strict=True):
            if not p.exists():
                raise RuntimeError(f"the stage did not write {o}")
        allowed()
        for p, o in zip(partial, outputs, strict=True):
            remove(o)
            p.rename(o)
    finally:
        for p in partial:
            remove(p)


def remove(path: Path) -> None:
    """Remove a file or folder if it exists."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
