"""What a trained image generator cost, from the records beside the files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landloom.provenance import record_path
from landloom.training.progress import trained_seconds


@dataclass(frozen=True)
class Cost:
    """Training time of a generator with the base it stands on, and the device; None when not recorded."""

    minutes: float | None
    device: str | None


def cost(model: Path) -> Cost:
    """Read the records of a model and of the base among its inputs.

    A record knows its last start only; of a training that went on, its steps tell the time.
    """
    own = _read(model)
    if own is None:
        return Cost(None, None)
    base = [p for p in map(Path, own["inputs"]) if (r := _read(p)) is not None and r["stage"] == "base"]
    return Cost(round(sum(map(_seconds, [model, *base])) / 60, 2), own["device"])


def _seconds(path: Path) -> float:
    """Seconds of the recorded job, or of all its training steps if they took longer."""
    record = _read(path)
    steps = sum(trained_seconds(m) for m in path.parent.glob(f"{path.name}.*metrics.jsonl"))
    return max(record["seconds"] if record else 0.0, steps)


def _read(path: Path) -> dict[str, Any] | None:
    record = record_path(path)
    return json.loads(record.read_text()) if record.is_file() else None
