import pytest

from landloom.cluster import accounting


def test_waits_add_up_over_turns_in_the_queue() -> None:
    rows = [
        "7|2026-01-01T10:00:00|2026-01-01T10:30:00",
        "7|2026-01-01T12:00:00|2026-01-01T13:00:00",
        "8|2026-01-01T10:00:00|Unknown",
        "9|2026-01-01T10:00:00|2026-01-01T10:00:00",
    ]
    assert accounting.parse("\n".join(rows)) == pytest.approx({"7": 1.5, "9": 0})


def test_without_accounting_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert accounting.waits(["7"]) == {}
    assert accounting.waits([]) == {}
