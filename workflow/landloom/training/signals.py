"""Stopping cleanly: SIGTERM and SIGUSR1 are remembered and answered at the end of a step."""

import signal
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accelerate import Accelerator

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


_early = False


def watch() -> None:
    """Remember stop signals that come before the training does, while models and data are read."""

    def note(number: int, frame: FrameType | None) -> None:
        global _early
        _early = True

    for number in SIGNALS:
        signal.signal(number, note)


class StopRequest:
    """Context in which a stop signal only sets a flag."""

    def __enter__(self) -> "StopRequest":
        self.asked = _early
        self.previous: dict[signal.Signals, Any] = {s: signal.signal(s, self._note) for s in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True

    def agreed(self, accelerator: "Accelerator") -> bool:
        """Whether any process was asked to stop; all processes get the same answer."""
        if accelerator.num_processes == 1:
            return self.asked
        import torch  # here, so that jobs without torch can be stopped too

        flag = torch.tensor([int(self.asked)], device=accelerator.device)
        return bool(accelerator.reduce(flag, "sum").item())
