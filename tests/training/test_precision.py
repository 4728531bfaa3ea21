"""What precisions mean, and when one is warned of."""

import pytest
import torch

from landloom.training import precision


@pytest.mark.parametrize(("emulated", "lines"), [(True, 1), (False, 0)])
def test_bf16_is_warned_of_once_where_it_is_emulated(
    emulated: bool, lines: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    precision.warn.cache_clear()
    monkeypatch.setattr(precision, "emulated", lambda: emulated)
    assert precision.dtype("fp32") is torch.float32
    assert capsys.readouterr().err == ""
    assert [precision.dtype("bf16") for _ in range(2)] == [torch.bfloat16] * 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == lines
    assert all("bf16 is emulated by this CPU" in s and "set precision: fp32" in s for s in said)


def test_a_gpu_has_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert not precision.emulated()


def test_a_cpu_without_onednn_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert precision.emulated()
