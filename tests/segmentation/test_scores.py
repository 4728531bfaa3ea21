import numpy as np
import pytest

from landloom.segmentation import scores

TRUTH = np.array([[0, 0, 0, 1], [1, 1, 255, 255]], np.uint8)
FOUND = np.array([[0, 0, 1, 1], [1, 0, 0, 1]], np.uint8)


def test_confusion_by_hand() -> None:
    got = scores.confusion(TRUTH, FOUND, 3)
    assert got.tolist() == [[2, 1, 0], [1, 2, 0], [0, 0, 0]]


def test_scores_by_hand() -> None:
    matrix = scores.confusion(TRUTH, FOUND, 3)
    assert scores.iou(matrix)[:2].tolist() == [0.5, 0.5]
    assert scores.f1(matrix)[:2] == pytest.approx([4 / 6, 4 / 6])


def test_absent_class_is_nan_and_left_out_of_the_mean() -> None:
    matrix = scores.confusion(TRUTH, FOUND, 3)
    assert np.isnan(scores.iou(matrix)[2])
    assert scores.mean(scores.iou(matrix)) == 0.5
    got = scores.summary(matrix)
    assert got["iou"] == [0.5, 0.5, None]
    assert got["miou"] == 0.5


def test_class_that_is_only_predicted_counts_as_zero() -> None:
    matrix = scores.confusion(np.zeros((2, 2), np.uint8), np.full((2, 2), 1, np.uint8), 2)
    assert scores.iou(matrix).tolist() == [0, 0]


def test_nothing_to_score() -> None:
    got = scores.summary(np.zeros((2, 2), np.int64))
    assert got["miou"] is None
    assert got["f1"] == [None, None]
