import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from landloom.segmentation import curation, scores

MASK = np.array([[0, 1, 255]], np.uint8)
PROBABILITIES = np.array([[[0.5, 0.9, 0.2]], [[0.5, 0.1, 0.8]]], np.float32)


def test_pixel_loss_by_hand() -> None:
    got = curation.pixel_loss(PROBABILITIES, MASK)
    assert got[0].tolist() == pytest.approx([math.log(2), math.log(10), 0])


def test_trust_by_hand() -> None:
    loss = np.array([[0.2, 1.0, 3.0, 0.0]], np.float32)
    mask = np.array([[0, 0, 1, 255]], np.uint8)
    got = curation.trust(loss, mask, np.array([0.4, 1.2]), tolerance=1.25)
    assert got.tolist() == [[255, 128, 128, 0]]  # 0.5/0.2 > 1, 0.5/1.0, 1.5/3.0, ignored


def norms(probabilities: NDArray[np.float32], mask: NDArray[np.uint8]) -> curation.Norms:
    """Norms of a judge from one tile, by way of the scores that ``segment`` writes."""
    matrix = scores.confusion(mask, probabilities.argmax(0).astype(np.uint8), len(probabilities))
    loss = curation.class_losses(probabilities, mask, len(probabilities))
    found = scores.summary(matrix) | {"loss": scores.per_pixel(matrix, loss)}
    return curation.Norms.of(json.loads(json.dumps(found)))


def test_norms_by_hand() -> None:
    got = norms(PROBABILITIES, MASK)
    assert got.loss.tolist() == pytest.approx([math.log(2), math.log(10)])
    assert got.right.tolist() == [1, 0]


def test_expected_agreement_follows_the_classes_of_a_mask() -> None:
    norm = curation.Norms(np.ones(3), np.array([0.9, 0.5, 0.1]))
    assert norm.expected(np.array([[0, 0, 1, 2, 255]], np.uint8)) == pytest.approx((0.9 * 2 + 0.5 + 0.1) / 4)
    assert norm.expected(np.full((1, 3), 255, np.uint8)) == 0


def test_class_without_pixels_gets_the_mean_of_the_others() -> None:
    wide = np.concatenate([PROBABILITIES, np.zeros((1, 1, 3), np.float32)])
    got = norms(wide, MASK).loss
    assert got[2] == pytest.approx((math.log(2) + math.log(10)) / 2)
    assert np.isnan(norms(PROBABILITIES, np.full_like(MASK, 255)).loss).all()


def test_faultless_judge_keeps_a_floor() -> None:
    sure = np.array([[[1.0] * 3], [[0.0] * 3]], np.float32)
    assert norms(sure, np.zeros((1, 3), np.uint8)).loss[0] == curation.SMALLEST_LOSS


def test_agreement_leaves_ignored_pixels_out() -> None:
    assert curation.agreement(np.array([[0, 0, 0]], np.uint8), MASK) == 0.5
    assert curation.agreement(MASK, np.full((1, 3), 255, np.uint8)) == 0
