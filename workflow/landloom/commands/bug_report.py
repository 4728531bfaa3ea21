"""``landloom bug-report``: what to attach to an issue: versions, machine, config, logs of jobs that failed.

Nothing is sent anywhere. What looks like a password or a key is left out; read it before you pass it on.
"""

import argparse
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import psutil

from landloom.provenance import records
from landloom.runtime import gpus
from landloom.runtime.command_line import unmarked

LINES = 60
"""Last lines that are shown of each log."""
SECRETS = (
    (re.compile(r"(://)[^/\s@]+@"), r"\1***@"),  # of a server's address
    (re.compile(r"\b(sk|hf|ghp|gho|glpat)[-_][\w-]{8,}"), "***"),
    (re.compile(r"(?i)([?&](?:key|sig|signature|auth|code)=)[^\s&\"']+"), r"\1***"),
    (re.compile(r"\b(AKIA[A-Z0-9]{12,}|AIza[\w-]{20,}|eyJ[\w-]{6,}\.[\w.-]+)"), "***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), r"\1 ***"),
    (
        re.compile(r"(?i)([\"']?\b[\w.-]*(?:password|passwd|secret|token|api_?key)[\"']?\s*[:=]\s*)[^\s,}]+"),
        r"\1***",
    ),
)
"""Patterns of what nobody else should read, and what takes their place."""


def main(arguments: list[str]) -> int:
    """Print the report; returns 0."""
    parser = argparse.ArgumentParser(prog="landloom bug-report", description=unmarked(__doc__))
    parser.add_argument("--configfile", type=Path, nargs="+", action="extend", help="as given to snakemake")
    configs = parser.parse_args(arguments).configfile or [Path("config/config.yaml")]
    for head, text in [("versions", versions()), ("machine", machine()), *shown(configs), *failures(Path())]:
        print(f"## {head}\n\n{hidden(text).rstrip()}\n")
    return 0


def versions() -> str:
    """Of Landloom and the packages that shape results."""
    found = {"landloom": metadata.version("landloom"), "snakemake": metadata.version("snakemake")}
    return "\n".join(f"{name} {version}" for name, version in (found | records.packages()).items())


def machine() -> str:
    """System, cores, memory and GPUs."""
    memory = psutil.virtual_memory()
    said = [platform.platform(), f"{os.cpu_count()} cores, {memory.total / 1e9:.0f} GB of memory"]
    try:
        command = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
        said += subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):
        said.append(f"{len(gpus.visible())} GPUs, nvidia-smi does not answer")
    return "\n".join(said)


def shown(configs: list[Path]) -> Iterator[tuple[str, str]]:
    """Config files and their text."""
    for path in configs:
        there = path.is_file()
        yield str(path), path.read_text(errors="replace") if there else "there is no such file"


def failures(root: Path) -> Iterator[tuple[str, str]]:
    """The end of Snakemake's last log, and of the logs of the jobs that it says have failed."""
    logs = sorted((root / ".snakemake/log").glob("*.snakemake.log"))
    if not logs:
        yield "last run", "none in this folder"
        return
    text = logs[-1].read_text(errors="replace")
    yield f"last run, {logs[-1].name}", end(text)
    for block in re.findall(r"^Error in rule .*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL):
        for name in re.findall(r"^\s+log: (.+?)(?: \(check log file|$)", block, re.MULTILINE):
            for path in (root / part.strip() for part in name.split(",")):
                if path.is_file():
                    yield str(path), end(path.read_text(errors="replace"))


def end(text: str) -> str:
    """Its last lines."""
    return "\n".join(text.splitlines()[-LINES:])


def hidden(text: str) -> str:
    """Text without secrets, and without the name of the home folder."""
    for pattern, instead in SECRETS:
        text = pattern.sub(instead, text)
    return text.replace(str(Path.home()), "~") if Path.home() != Path("/") else text
