"""Whether torch takes its sums in one order: in trainings on a CPU always, on a GPU where the config asks."""

import os
from types import ModuleType

from landloom.config.run import RunConfig

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""Variable that cuBLAS reads when it is first used; without it, its sums are in varying order."""


def choose(torch: ModuleType, device: str, how: RunConfig) -> None:
    """Switch torch's deterministic algorithms on or off; operations that have none warn and go on.

    Args:
        torch: the module, which not every stage loads.
        device: type of the device that works, 'cpu' or 'cuda'.
        how: settings of the run.
    """
    if how.deterministic:
        os.environ.setdefault(WORKSPACE, ":4096:8")
    torch.use_deterministic_algorithms(device == "cpu" or how.deterministic, warn_only=True)
    # Filling finds bugs and costs time; the bits are the same without it.
    torch.utils.deterministic.fill_uninitialized_memory = False
