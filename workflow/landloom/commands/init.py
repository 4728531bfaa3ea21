"""``landloom init``: a first config for a folder of images and masks, with a page that shows them."""

import argparse
import re
import shlex
import sys
import tempfile
from pathlib import Path

from landloom.config import Config
from landloom.config.section import NAME
from landloom.errors import InputError
from landloom.orchestration import config_files
from landloom.orchestration.dag import Dag
from landloom.runtime import gpus
from landloom.runtime.command_line import unmarked
from landloom.starting import preview, proposal, survey
from landloom.starting.legend import Legend, renamed


def main(arguments: list[str]) -> int:
    """Write config and page, and check the config; returns 1 when the check refuses it."""
    given = parser().parse_args(arguments)
    name = given.name or named(given.folder)
    if not NAME.fullmatch(name):
        raise InputError("--name", f"'{name}' is no name", "Use letters, digits, '.', '_' and '-'")
    out = given.out or Path("config") / f"{name}.yaml"
    table, page = out.with_suffix(".csv"), out.with_suffix(".html")
    require_free(out, table, page)
    found = survey.look(given.folder, table)
    if not given.yes and sys.stdin.isatty():
        ask(found.legend)
    made = proposal.write(found, name, bool(gpus.visible()), table)
    written = {out: made.text} | ({table: made.table} if made.table else {})
    write(written)
    write({page: preview.page(made.config, found.legend, made.said)})
    print("\n".join(f"assumed: {line}" for line in made.said))
    print("".join(f"wrote {path}\n" for path in (*written, page)), end="", flush=True)
    return checked(made.config, out)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="landloom init", description=unmarked(__doc__))
    made.add_argument("folder", type=Path, help="folder with images and masks, in it or in folders inside")
    made.add_argument("--out", type=Path, help="the config to write; config/NAME.yaml when absent")
    made.add_argument("--name", help="of the dataset; the folder's own when absent")
    made.add_argument("--yes", action="store_true", help="ask nothing; as it is anyway without a terminal")
    return made


def named(folder: Path) -> str:
    """The name of a dataset after its folder, of letters, digits, '.', '_' and '-'."""
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-.")
    return clean or "dataset"


def require_free(out: Path, *others: Path) -> None:
    """Make sure that nothing is overwritten, and that something can be written.

    Raises:
        InputError: a file is there already, or its folder cannot be written to.
    """
    for path in (out, *others):
        if path.exists():
            raise InputError(path, "is there already", "Give another name with --out, or remove it")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        remedy = "Give a file in a folder of yours with --out"
        raise InputError(out.parent, f"cannot be written to ({error.strerror})", remedy) from None


def write(files: dict[Path, str]) -> None:
    """Write files that must not be there."""
    for path, text in files.items():
        with path.open("x", encoding="utf-8") as file:
            file.write(text)


def ask(legend: Legend) -> None:
    """Ask what nothing but a person knows: what the classes are called."""
    print("Names of the classes; Enter keeps the one in brackets.")
    for value, name in list(legend.names.items()):
        try:
            said = input(f"  mask value {value}, {100 * legend.share(value):.3g} % [{name}]: ").strip()
        except EOFError:
            return
        if said:
            renamed(legend, value, said)


def checked(config: Config, out: Path) -> int:
    """Do what the stage check does, and print what is next."""
    command = f"snakemake --configfile {shlex.quote(str(out))} --cores all"
    from landloom.stages import check  # it brings torch, which nothing above has to wait for

    with tempfile.TemporaryDirectory() as folder:
        try:
            check.run(
                config.check, config.data, config.tile, config.base, config.segment, config.caption,
                config.features, config.mix, list(config.generators), Dag(config_files.read([out])).pairs,
                Path(folder) / "check.json",
            )  # fmt: skip
        except InputError as error:
            print(f"The check refuses the config as it stands: {error}", file=sys.stderr)
            print(f"next: correct {out}, then {command} results/{config.dataset}/check.json")
            return 1
    print(f"The check passes. Look at {out.with_suffix('.html')} and {out}, then\nnext: {command}")
    return 0
