import numpy as np
import pytest
import torch
from hypothesis import given as drawn
from hypothesis import strategies as st
from torchmetrics import Accuracy, F1Score, JaccardIndex

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


side = st.integers(1, 12)


@drawn(side, side, st.integers(2, 6), st.integers(0, 10**6))
def test_agrees_with_torchmetrics_on_the_classes_of_the_truth(
    height: int, width: int, classes: int, seed: int
) -> None:
    """Truth with any of the classes and some pixels without one; any class may be predicted."""
    rng = np.random.default_rng(seed)
    truth = rng.choice([*rng.integers(0, classes, 4), 255], (height, width)).astype(np.uint8)
    truth[0, 0] = 0
    found = rng.integers(0, classes, truth.shape).astype(np.uint8)
    got = scores.summary(scores.confusion(truth, found, classes))
    asked = {"task": "multiclass", "num_classes": classes, "ignore_index": 255}
    given = torch.from_numpy(found).long(), torch.from_numpy(truth).long()
    present = sorted(set(truth[truth != 255].tolist()))
    for name, metric in (("iou", JaccardIndex), ("f1", F1Score)):
        expected = metric(**asked, average="none")(*given)[present]
        assert [got[name][i] for i in present] == pytest.approx(expected.tolist(), abs=1e-6)
        assert got[f"m{name}"] == pytest.approx(expected.mean().item(), abs=1e-6)
        assert [v is None for v in got[name]] == [i not in present for i in range(classes)]
    assert got["accuracy"] == pytest.approx(Accuracy(**asked, average="micro")(*given).item(), abs=1e-6)


def test_nothing_to_score() -> None:
    got = scores.summary(np.zeros((2, 2), np.int64))
    assert got["miou"] is None
    assert got["accuracy"] is None
    assert got["f1"] == [None, None]
