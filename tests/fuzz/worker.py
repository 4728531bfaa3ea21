"""The process that reads damaged files: told a number, it answers with what happened to that input.

It has a limit of memory, so that a file which claims too much fails here and not on the machine.
"""

import json
import os
import resource
import shutil
import sys
import traceback
import warnings
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from landloom.errors import InputError
from tests.fuzz import folders, images, tables, vectors
from tests.fuzz.mutations import mutated
from tests.fuzz.target import Target

MEMORY = 4 * 2**30
"""Bytes that reading one input may take, beside what the process had before."""
TARGETS: list[Target] = [*images.TARGETS, *vectors.TARGETS, *tables.TARGETS, *folders.TARGETS]


def drawn(number: int, seed: int) -> tuple[Target, np.random.Generator]:
    """Target of an input, and the generator that damages it."""
    rng = np.random.default_rng([seed, number])
    ends = list(accumulate(t.weight for t in TARGETS))
    at = int(rng.integers(ends[-1]))
    return next(t for t, end in zip(TARGETS, ends, strict=True) if at < end), rng


def seeds(target: Target, root: Path) -> Path:
    """The folder with the valid files of a target; made, and read once, when it is first asked for."""
    folder = root / f"{target.kind}-{target.name}".replace(" ", "_").replace(",", "")
    if not folder.exists():
        made = folder.with_name(f".{folder.name}.{os.getpid()}")
        made.mkdir(parents=True)
        target.make(made)
        made.rename(folder)
    return folder


def damaged(target: Target, rng: np.random.Generator, root: Path, place: Path) -> str:
    """Copy the valid files of a target to a place, one of them damaged; returns its name."""
    valid = seeds(target, root)
    shutil.copytree(valid, place, copy_function=os.symlink)
    chosen = sorted({p for pattern in target.files for p in valid.glob(pattern) if p.is_file()})
    file = chosen[int(rng.integers(len(chosen)))]
    inside = place / file.relative_to(valid)
    inside.unlink()
    inside.write_bytes(mutated(file.read_bytes(), file.name, rng))
    return str(file.relative_to(valid))


def outcome(target: Target, place: Path) -> dict[str, Any]:
    """What happens to a damaged file: 'read', 'refused' in one sentence, or 'uncaught'."""
    try:
        target.read(place)
    except InputError as error:
        return {"outcome": "refused", "said": str(error)[:500]}
    except MemoryError:
        return {"outcome": "memory", "said": traceback.format_exc()}
    except BaseException:
        return {"outcome": "uncaught", "said": traceback.format_exc()}
    return {"outcome": "read"}


def main(root: Path, seed: int) -> None:
    """Answer each number that comes in with a line of JSON."""
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    limited = False
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        number = int(line)
        target, rng = drawn(number, seed)
        place = root / "inputs" / str(number)
        file = damaged(target, rng, root / "seeds", place)
        if not limited:
            target.read(seeds(target, root / "seeds"))
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY + _used(), resource.RLIM_INFINITY))
            limited = True
        print(f"input {number}: {target.kind}, {target.name}, {file}", file=sys.stderr, flush=True)
        found = outcome(target, place) | {"number": number, "kind": target.kind}
        if found["outcome"] in ("read", "refused"):
            shutil.rmtree(place)  # first: who has the last answer may end this process
        print(json.dumps(found | {"target": target.name, "file": file}), file=answers, flush=True)


def _used() -> int:
    """Bytes of data that this process has now."""
    text = Path("/proc/self/status").read_text()
    return 1024 * int(text.split("VmData:")[1].split()[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
