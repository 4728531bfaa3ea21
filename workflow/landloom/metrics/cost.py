"""What a trained image generator cost, from the records beside the files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landloom.provenance.records import record_path
from landloom.training.metrics_log import trained_seconds


@dataclass(frozen=True)
class Cost:
    """Training time of a generator with the base it stands on, and the device; None when not recorded."""

    minutes: float | None
    device: str | None


def cost(model: Path) -> Cost:
    """Read the records of a model and of the base among its inputs.

    A record knows its last start only; of a training that went on, its steps tell the time. The time is None
    when the record of an input is missing: that may have been the base.
    """
    own = read_record(model)
    if own is None:
        return Cost(None, None)
    inputs = {Path(p): read_record(Path(p)) for p in own["inputs"]}
    if None in inputs.values():
        return Cost(None, own["device"])
    base = [p for p, r in inputs.items() if r is not None and r["stage"] == "base"]
    return Cost(round(sum(map(_seconds, [model, *base])) / 60, 2), own["device"])


def read_record(path: Path) -> dict[str, Any] | None:
    """The record beside an output; None when there is none, or it is cut off."""
    try:
        found: dict[str, Any] = json.loads(record_path(path).read_text())
    except (OSError, ValueError, RecursionError):
        return None
    return found


def _seconds(path: Path) -> float:
    """Seconds of the recorded job, or of all its training steps if they took longer."""
    record = read_record(path)
    steps = sum(trained_seconds(m) for m in path.parent.glob(f"{path.name}.*metrics.jsonl"))
    return max(record["seconds"] if record else 0.0, steps)
