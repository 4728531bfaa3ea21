"""What measurements of conditions on real data share: a command line, the data, and a folder to work in."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch


def parser(about: str | None, steps: int = 900) -> argparse.ArgumentParser:
    """The options that all of them have."""
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--folder", type=Path, help="keeps what was trained, and trains what is not there")
    made.add_argument("--steps", type=int, default=steps, help="of the generator")
    made.add_argument("--threads", type=int, default=1)
    return made


def data(name: str) -> Path:
    """A set of the folder that ``LANDLOOM_DATA`` names; without it the script ends and says so."""
    found = Path(os.environ.get("LANDLOOM_DATA", "")) / name
    if "LANDLOOM_DATA" not in os.environ or not found.is_dir():
        sys.exit(f"skipped: there is no folder {name} in LANDLOOM_DATA, which names the folder of data sets")
    return found.resolve()


@contextmanager
def working(given: argparse.Namespace) -> Iterator[Path]:
    """The folder of ``--folder``, or one that is removed; torch gets its threads."""
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
