import numpy as np
import pytest

from landloom.metrics.proportions import cpe, mcpe


def test_by_hand() -> None:
    wanted = [[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]
    found = [[0.6, 0.4, 0.0], [0.2, 0.1, 0.7]]
    got = cpe(found, wanted)
    assert got == pytest.approx([5, 15, 10])  # 100/2 * (0.1+0, 0.1+0.2, 0+0.2)
    assert mcpe(got) == pytest.approx(10)


def test_open_classes_do_not_count() -> None:
    got = cpe([[0.5, 0.5, 0.0], [0.1, 0.9, 0.0]], np.array([[0.4, None, None], [None, 0.5, np.nan]], float))
    assert got[:2] == pytest.approx([10, 40])
    assert np.isnan(got[2])
    assert mcpe(got) == pytest.approx(25)


def test_errors_do_not_cancel() -> None:
    assert cpe([[1.0], [0.0]], [[0.5], [0.5]]) == pytest.approx([50])
