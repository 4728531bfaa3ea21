"""What a long job shows and leaves behind: a line per interval, metrics.jsonl, TensorBoard."""

import json
import sys
import time
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from landloom.provenance.records import peak_memory_mb


class Progress:
    """Writes the metrics of one training to ``state``; lines past its checkpoint are dropped on resume."""

    def __init__(self, state: Path, name: str, start: int, steps: int, active: bool = True) -> None:
        self.state, self.name, self.first, self.steps, self.active = state, name, start, steps, active

    def __enter__(self) -> "Progress":
        self.last, self.clock = self.first, time.perf_counter()
        if self.active:
            path = metrics_path(self.state)
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = [r for r in read_metrics(path) if r["step"] <= self.first]
            path.write_text("".join(json.dumps(r) + "\n" for r in kept))
            self.file = path.open("a", buffering=1)
            self.board = SummaryWriter(str(self.state / "tensorboard"), purge_step=self.first + 1)
            if self.first:
                self.say(f"goes on from step {self.first} of {self.steps}")
        return self

    def __exit__(self, *_: object) -> None:
        if self.active:
            self.file.close()
            self.board.close()

    def say(self, text: str) -> None:
        """Print one line."""
        if self.active:
            print(f"{self.name}: {text}", file=sys.stderr, flush=True)

    def log(self, step: int, values: dict[str, float]) -> None:
        """Record the values of a step and print a progress line."""
        if not self.active:
            return
        now = time.perf_counter()
        taken = max(now - self.clock, 1e-9)
        speed = (step - self.last) / taken
        self.last, self.clock = step, now
        memory = peak_memory_mb()
        row = {"step": step} | values | {"it_per_s": round(speed, 3), "seconds": round(taken, 3)}
        self.file.write(json.dumps(row) + "\n")
        for key, value in (values | {"it_per_s": speed}).items():
            self.board.add_scalar(key, value, step)
        shown = " ".join(f"{k} {v:.4g}" for k, v in values.items() if k not in ("lr", "norm"))
        used = " ".join(f"{k} {v} MB" for k, v in memory.items())
        left = (self.steps - step) / speed
        self.say(f"{step}/{self.steps} {shown} | {speed:.2f} it/s, {left:.0f} s left | peak {used}")


def metrics_path(state: Path) -> Path:
    """Where a training with this state folder keeps its metrics."""
    return state / "metrics.jsonl"


def read_metrics(path: Path) -> list[dict[str, float]]:
    """Rows of a metrics file; a last line cut short by a kill is left out."""
    rows = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


def trained_seconds(path: Path) -> float:
    """Seconds that the steps of a metrics file took, whatever stops lay between them."""
    return sum(row.get("seconds", 0.0) for row in read_metrics(path))
