import math

import numpy as np
import pytest

from landloom.raster import codec
from landloom.samples import Sample
from landloom.segmentation import curation

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


def test_norms_by_hand() -> None:
    sample = Sample("a", codec.encode(MASK))
    got = curation.norms([(sample, PROBABILITIES)], 3 - 1)
    assert got.loss.tolist() == pytest.approx([math.log(2), math.log(10)])
    assert got.right.tolist() == [1, 0]


def test_expected_agreement_follows_the_classes_of_a_mask() -> None:
    norm = curation.Norms(np.ones(3), np.array([0.9, 0.5, 0.1]))
    assert norm.expected(np.array([[0, 0, 1, 2, 255]], np.uint8)) == pytest.approx((0.9 * 2 + 0.5 + 0.1) / 4)
    assert norm.expected(np.full((1, 3), 255, np.uint8)) == 0


def test_class_without_pixels_gets_the_mean_of_the_others() -> None:
    sample = Sample("a", codec.encode(MASK))
    wide = np.concatenate([PROBABILITIES, np.zeros((1, 1, 3), np.float32)])
    got = curation.norms([(sample, wide)], 3).loss
    assert got[2] == pytest.approx((math.log(2) + math.log(10)) / 2)
    assert np.isnan(curation.norms([], 2).loss).all()


def test_faultless_judge_keeps_a_floor() -> None:
    sample = Sample("a", codec.encode(np.zeros((1, 3), np.uint8)))
    sure = np.array([[[1.0] * 3], [[0.0] * 3]], np.float32)
    assert curation.norms([(sample, sure)], 2).loss[0] == curation.SMALLEST_LOSS


def test_agreement_leaves_ignored_pixels_out() -> None:
    assert curation.agreement(np.array([[0, 0, 0]], np.uint8), MASK) == 0.5
    assert curation.agreement(MASK, np.full((1, 3), 255, np.uint8)) == 0
