"""Nothing is computed twice: finished outputs stay at hand under hard links.

Snakemake deletes the outputs of a job before it runs it again, even when the job had finished: after the
death of the main process, after a touched input, after a copy. The links, in a hidden folder beside each
output, let the same job (same stage version, settings, input bytes and code) bring its result back in a
moment. They cost no space while the output stands; there is one generation of them.
"""

import functools
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from landloom.provenance import records
from landloom.runtime.command_line import remove

FOLDER = ".landloom"
"""Hidden folder beside each output."""


@functools.cache
def code() -> str:
    """Digest of this package's source: edited code never brings an old result back."""
    root = Path(__file__).parents[1]
    files = sorted(p for p in root.rglob("*") if p.suffix in (".py", ".j2"))
    text = "".join(f"{p.relative_to(root)} {records.digest(p)}\n" for p in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def place(output: Path) -> Path:
    """Where the links of an output lie."""
    return output.parent / FOLDER / output.name


def keep(outputs: Sequence[Path], fingerprint: str) -> None:
    """Link finished outputs and their records; where the file system has no hard links, do nothing."""
    for output in outputs:
        remove(place(output))
    try:
        for output in outputs:
            kept = place(output)
            kept.mkdir(parents=True)
            _link(output, kept / "output")
            _link(records.record_path(output), kept / "record.json")
            (kept / "made.json").write_text(json.dumps({"fingerprint": fingerprint, "code": code()}))
    except OSError:
        for output in outputs:
            remove(place(output))


def restore(outputs: Sequence[Path], fingerprint: str) -> bool:
    """Bring the outputs of the same job back, if all are kept and unharmed; returns whether they are."""
    if not all(_good(place(o), fingerprint) for o in outputs):
        return False
    for output in outputs:
        remove(output)
        _link(place(output) / "output", output)
        remove(records.record_path(output))
        _link(place(output) / "record.json", records.record_path(output))
        os.utime(output)  # newer than its inputs
    return True


def _good(kept: Path, fingerprint: str) -> bool:
    try:
        made = json.loads((kept / "made.json").read_text())
        record = json.loads((kept / "record.json").read_text())
        same = made == {"fingerprint": fingerprint, "code": code()}
        return same and records.digest(kept / "output") == record["sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _link(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, copy_function=os.link, symlinks=True)
    else:
        os.link(source, target)
