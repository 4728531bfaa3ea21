"""Every test works on one thread: tests side by side do not fight for cores. Long files start first."""

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # stages take the threads of their config

settings.register_profile("landloom", deadline=None)  # the machine may be busy with other tests
settings.load_profile("landloom")

LONGEST = ("tests/test_workflow.py", "tests/test_launch.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first: what starts last decides when all is done."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """A stage that a test runs in this process takes its threads; last bits of later tests depend on it."""
    yield
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
