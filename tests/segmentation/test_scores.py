import numpy as np
import pytest
import torch
from torchmetrics import F1Score, JaccardIndex

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


def test_a_class_that_is_only_predicted_has_no_score() -> None:
    matrix = scores.confusion(np.zeros((2, 2), np.uint8), np.full((2, 2), 1, np.uint8), 2)
    assert scores.iou(matrix)[0] == 0
    assert np.isnan(scores.iou(matrix)[1])
    assert scores.summary(matrix)["f1"] == [0, None]


def test_one_wrong_pixel_of_an_absent_class_changes_a_mean_by_one_pixel() -> None:
    truth = np.repeat(np.array([0, 1], np.uint8), 50)[None]
    found = truth.copy()
    found[0, 0] = 2
    got = scores.summary(scores.confusion(truth, found, 3))
    assert got["iou"] == [0.98, 1, None]
    assert got["miou"] == 0.99
    assert got["mf1"] == pytest.approx((2 * 49 / 99 + 1) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_torchmetrics_where_the_truth_has_all_classes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, found = rng.integers(0, 5, (2, 40, 40)).astype(np.uint8)
    truth[0, :7] = 255
    got = scores.summary(scores.confusion(truth, found, 5))
    asked = {"task": "multiclass", "num_classes": 5, "ignore_index": 255}
    given = torch.from_numpy(found).long(), torch.from_numpy(truth).long()
    for name, metric in (("iou", JaccardIndex), ("f1", F1Score)):
        assert got[name] == pytest.approx(metric(**asked, average="none")(*given).tolist(), abs=1e-6)
        assert got[f"m{name}"] == pytest.approx(metric(**asked, average="macro")(*given).item(), abs=1e-6)


def test_nothing_to_score() -> None:
    got = scores.summary(np.zeros((2, 2), np.int64))
    assert got["miou"] is None
    assert got["f1"] == [None, None]
