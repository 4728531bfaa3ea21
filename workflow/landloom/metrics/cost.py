"""What a trained image generator cost, from the records beside the files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landloom.provenance import record_path


@dataclass(frozen=True)
class Cost:
    """Training time of a generator with the base it stands on, and the device; None when not recorded."""

    minutes: float | None
    device: str | None


def cost(model: Path) -> Cost:
    """Read the records of a model and of the base among its inputs.

    A training that was stopped and went on is counted from its last start.
    """
    own = _read(model)
    if own is None:
        return Cost(None, None)
    base = [r for r in map(_read, map(Path, own["inputs"])) if r is not None and r["stage"] == "base"]
    seconds = sum(r["seconds"] for r in [own, *base])
    return Cost(round(seconds / 60, 2), own["device"])


def _read(path: Path) -> dict[str, Any] | None:
    record = record_path(path)
    return json.loads(record.read_text()) if record.is_file() else None
