import pytest

from landloom.runtime import progress


def test_items_pass_unchanged_and_the_rest_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 100, 6))
    monkeypatch.setattr(progress.time, "perf_counter", lambda: float(next(clock)))
    assert list(progress.shown("abcd", "masks", 40, 10)) == list("abcd")
    # Seconds 6, 12, 18, 24 since the start: lines are at least ten seconds apart.
    assert (
        capsys.readouterr().err
        == "masks: 10/40 | 0.83 a second, 36 s left\nmasks: 30/40 | 1.25 a second, 8 s left\n"
    )


def test_quick_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.shown(range(1000), "tiles")) == list(range(1000))
    assert capsys.readouterr().err == ""
