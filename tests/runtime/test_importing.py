import gc
import sys
from types import ModuleType

import pytest

from landloom.runtime import importing, phases


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[ModuleType]:
    """What torch was prepared, none being loaded at first."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(importing, "_waiting", [])
    return []


def test_torch_is_prepared_when_it_comes(seen: list[ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("torch")
    importing.with_torch(seen.append)
    with importing.importing():
        pass
    assert seen == []
    with importing.importing():
        monkeypatch.setitem(sys.modules, "torch", fake)
    with importing.importing():
        pass
    assert seen == [fake]


def test_torch_that_is_there_is_prepared_at_once(
    seen: list[ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    importing.with_torch(seen.append)
    assert len(seen) == 1


def test_garbage_is_looked_for_again_after_imports() -> None:
    with importing.importing():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()


def test_imports_are_the_start_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phases, "_clock", phases.Clock())
    with phases.during("compute"), importing.importing():
        assert phases._clock.on == "start"
