"""Stopping cleanly: SIGTERM and SIGUSR1 are remembered and answered at the end of a step.

A request stays until it is answered with ``Interrupted``: it may come while models and data are read, in the
last step of one of several trainings, or between two of them.
"""

import signal
from types import FrameType
from typing import TYPE_CHECKING, Any

from landloom.errors import Interrupted

if TYPE_CHECKING:
    from accelerate import Accelerator

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


Handlers = dict[signal.Signals, Any]
_asked = False


def _note(number: int, frame: FrameType | None) -> None:
    global _asked
    _asked = True


def watch() -> Handlers:
    """Remember stop signals from now on; returns the handlers that were there."""
    return {number: signal.signal(number, _note) for number in SIGNALS}


def restore(handlers: Handlers) -> None:
    """Give signals back to the handlers that were there before ``watch``."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


def asked() -> bool:
    """Whether this process was asked to stop and has not answered yet."""
    return _asked


class StopRequest:
    """Context in which a stop signal only sets a flag."""

    def __enter__(self) -> "StopRequest":
        self.previous = watch()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        global _asked
        restore(self.previous)
        if kind is Interrupted:  # that answers it
            _asked = False

    @property
    def asked(self) -> bool:
        """Whether this process was asked to stop."""
        return asked()

    def agreed(self, accelerator: "Accelerator") -> bool:
        """Whether any process was asked to stop; all processes get the same answer."""
        if accelerator.num_processes == 1:
            return self.asked
        import torch  # here, so that jobs without torch can be stopped too

        flag = torch.tensor([int(self.asked)], device=accelerator.device)
        return bool(accelerator.reduce(flag, "sum").item())
