"""Pages of the documentation: their commands, in a folder that looks like a clone with somebody's data."""

import importlib
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml
from snakemake.cli import parse_args, parse_config

from landloom.config import Config, load, merge
from landloom.orchestration import config_files
from landloom.runtime import command_line, registry
from tests.rasters import ROOT
from tests.tiny import environment

BLOCK = re.compile(r"(?:<!-- (?P<mark>[^\n]*) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
ELSEWHERE = {"curl", "hf", "ls", "vllm"}
"""Programs that are no part of the project."""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        kind: what stands behind the fence, such as 'sh'.
        text: inside.
        mark: the comment right above: 'file: NAME' for a file that is to be written, or 'checked: REASON' for
            commands that are not run, but held against the parsers, the files and the config.
    """

    kind: str
    text: str
    mark: str

    @property
    def commands(self) -> list[str]:
        """Lines of shell."""
        return [line for line in self.text.splitlines() if line.strip()] if self.kind == "sh" else []


def blocks(page: str) -> list[Block]:
    """All fenced blocks of a page of ``docs``."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [Block(m["kind"], m["text"], m["mark"] or "") for m in BLOCK.finditer(text)]


def clone(folder: Path) -> Path:
    """Make a folder look like a clone: links to all that a run reads, and a config folder of its own."""
    for name in ("Snakefile", "workflow", "profiles"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "config").mkdir()
    for file in (ROOT / "config").iterdir():
        (folder / "config" / file.name).symlink_to(file)
    return folder


def ran(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in a folder."""
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, env=environment(), check=False
    )


def check(command: str) -> None:
    """Hold a command against parsers, files and config in the working folder.

    Raises:
        SystemExit: there is no such option.
        InputError: a config file is missing or wrong.
        AssertionError: there is no such program, command or target.
    """
    program, *words = shlex.split(command)
    if program == "landloom":
        _landloom(*words)
    elif program == "snakemake":
        _snakemake(words)
    else:
        assert program in ELSEWHERE, command


def _landloom(name: str, *words: str) -> None:
    module = name.replace("-", "_")
    if module in registry.names():
        command_line.parser(module, importlib.import_module(f"landloom.stages.{module}").run).parse_args(
            words
        )
        return
    assert module in registry.commands(), name
    given = importlib.import_module(f"landloom.commands.{module}").parser().parse_args(words)
    if getattr(given, "configfile", None):
        load(config_files.read(given.configfile))


def _snakemake(words: list[str]) -> Config:
    _, given = parse_args(words)
    files = [Path(f) for f in given.configfile or ["config/config.yaml"]]
    config = load(merge(config_files.read(files), parse_config(given.config)))
    rules = {
        r for f in ROOT.glob("workflow/rules/*.smk") for r in re.findall(r"^rule (\w+):", f.read_text(), re.M)
    }
    rules |= set(re.findall(r"^rule (\w+):", (ROOT / "Snakefile").read_text(), re.M))
    assert set(given.until) <= rules, given.until
    assert all(t in rules or t.startswith(f"results/{config.dataset}/") for t in given.targets), given.targets
    return config


def written(block: Block, folder: Path) -> bool:
    """Write the file that a block shows; whether it is one."""
    name = block.mark.removeprefix("file: ")
    if name == block.mark:
        return False
    yaml.safe_load(block.text)
    (folder / name).write_text(block.text, encoding="utf-8")
    return True
