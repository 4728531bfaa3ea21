"""Digests of inputs, remembered: a file is hashed once, not by every job that reads it.

Each input that was hashed has a small JSON file in ``results/.landloom/digests``, with size, time of change
and inode of the file then, or of each file of a folder. Where all three are the same now, the digest is, too.
What is remembered may be deleted at any time.

Why this may be believed, from many jobs on many nodes of a network file system:

- An entry gets its name in one step, complete. Of two writers the last one wins, and both are right.
- A file is opened before it is looked at, so that a network file system asks its server.
- A file that changed in the last two seconds is hashed, but not remembered: with a later change within the
  same tick of the server's clock all three would stay as they were, and some servers count whole seconds.
- Times are compared for equality, so an older file put in place is another one. So is a copy: it has another
  inode, and is hashed anew.

What this does not see is a file that was edited in place, to the same size, and given back its old time to
the nanosecond. The audit and ``landloom verify`` read all bytes again.
"""

import contextlib
import functools
import hashlib
import json
import os
import time
import uuid
from io import BufferedReader
from pathlib import Path
from typing import Any

from landloom.provenance import records

Known = tuple[int, int, int, str]
"""Size (bytes), time of change (ns) and inode of a file, and its digest."""

FOLDER = Path("results/.landloom/digests")
"""Relative to the folder in which jobs run; nothing is remembered where there is no ``results``."""

TICK = 2_000_000_000
"""Nanoseconds since its last change after which a file cannot change without a new time."""


SMALL = 2**20
"""Bytes below which a file is read each time: a network file system takes as long to open its entry."""


def remembered(path: Path) -> str:
    """Digest of a file or folder, as ``provenance.digest`` gives it; reads only what is not known yet."""
    if path.is_file() and path.stat().st_size < SMALL:
        return records.digest(path)
    entry = _place(path)
    known, seen = _read(entry, path), dict[str, Known]()
    clock = functools.cache(functools.partial(_clock, entry))

    def sha256(file: Path) -> str:
        name = file.relative_to(path).as_posix()
        with file.open("rb") as f:
            if name in known and known[name][:3] == _state(f):
                seen[name] = known[name]
                return known[name][3]
            now = clock()  # first: a change from here on gets a time of its own
            state = _state(f)
            found = records.sha256(f)
        if state[1] + TICK < now:
            seen[name] = (*state, found)
        return found

    found = records.digest(path, sha256)
    if seen != known:
        _write(entry, {"path": str(path.absolute()), "files": seen})
    return found


def _state(file: BufferedReader) -> tuple[int, int, int]:
    now = os.fstat(file.fileno())
    return now.st_size, now.st_mtime_ns, now.st_ino


def _place(path: Path) -> Path:
    key = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
    return FOLDER / key[:2] / f"{key}.json"


def _clock(entry: Path) -> int:
    """Now in nanoseconds, by the slower clock of machine and file server; 0 where nothing can be written."""
    probe = _partial(entry)
    try:
        if FOLDER.parents[1].is_dir():
            entry.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        server = probe.stat().st_mtime_ns
        probe.unlink()
    except OSError:
        return 0
    return min(time.time_ns(), server)


def _partial(entry: Path) -> Path:
    return entry.with_name(f".{uuid.uuid4().hex}.partial")


def _read(entry: Path, path: Path) -> dict[str, Known]:
    """Size, time, inode and digest of each file that is known; nothing from a broken entry."""
    try:
        found = json.loads(entry.read_text())
        files = found["files"] if found["path"] == str(path.absolute()) else {}
        return {name: (int(a), int(b), int(c), str(d)) for name, (a, b, c, d) in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _write(entry: Path, content: dict[str, Any]) -> None:
    """Write an entry in one step; where that fails, nothing is remembered."""
    partial = _partial(entry)
    try:
        partial.write_text(json.dumps(content))
        partial.replace(entry)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
