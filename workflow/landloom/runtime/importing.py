"""Heavy packages, imported when a back-end that needs them is chosen: diffusers alone takes three seconds."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

from landloom.runtime import phases

_waiting: list[Callable[[ModuleType], None]] = []


@contextmanager
def importing() -> Iterator[None]:
    """Context for import statements; they count as the start of the job.

    Imported modules stay, so looking among them for garbage is vain: it takes a third of the time of imports,
    and a second at the end of the process.
    """
    collected = gc.isenabled()
    gc.disable()
    try:
        with phases.during("start"):
            yield
    finally:
        gc.freeze()
        if collected:
            gc.enable()
    _prepare()


def with_torch(prepare: Callable[[ModuleType], None]) -> None:
    """Prepare torch: now if it is there, otherwise once ``importing`` has brought it."""
    _waiting[:] = [prepare]
    _prepare()


def _prepare() -> None:
    torch = sys.modules.get("torch")
    while torch is not None and _waiting:
        _waiting.pop(0)(torch)
