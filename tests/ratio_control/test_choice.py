from collections.abc import Sequence

import numpy as np
import pytest

from landloom.ratio_control import choice
from landloom.ratio_control.choice import Drawn, Request

NAN = float("nan")


def mask(zeros: int) -> np.ndarray:
    return (np.arange(100).reshape(10, 10) >= zeros).astype(np.uint8)


def request(share: float, seed: int = 0) -> Request:
    target = np.array([share, 1 - share])
    return Request(target, target, "", seed)


class Maker:
    """Gives masks with more and more of class 0, and notes what was asked."""

    def __init__(self, zeros: Sequence[int]) -> None:
        self.zeros, self.calls = zeros, []

    def __call__(self, requests: Sequence[Request], attempt: int) -> list[Drawn]:
        self.calls.append([r.seed for r in requests])
        return [Drawn(mask(self.zeros[attempt]), np.zeros((2, 10, 10), np.float32), 0.5) for _ in requests]


def test_the_error_by_hand() -> None:
    assert choice.error(mask(40), np.array([0.5, 0.5])) == pytest.approx(10)
    assert choice.error(mask(40), np.array([0.5, NAN])) == pytest.approx(10)
    assert choice.error(mask(40), np.array([NAN, NAN])) == 0


def test_the_best_try_is_kept() -> None:
    make = Maker([10, 48, 90])
    (found,) = choice.best_of([request(0.5)], make, 3, 0.0)
    assert (found.mask == 0).sum() == 48
    assert (found.residual, found.attempt) == (0.5, 2)
    assert len(make.calls) == 3


def test_a_request_that_is_near_enough_is_not_tried_again() -> None:
    make = Maker([10, 48, 90])
    found = choice.best_of([request(0.1, 1), request(0.5, 2)], make, 3, 3.0)
    assert make.calls == [[1, 2], [2]]
    assert [int((d.mask == 0).sum()) for d in found] == [10, 48]


def test_rejections_by_hand() -> None:
    assert choice.rejection(3.0, None) == []
    assert choice.rejection(3.0, 3.0) == []
    (reason,) = choice.rejection(3.456, 3.0)
    assert reason == ("class shares", "class shares are off by 3.46 points (allowed 3)")
