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


def test_class_loss_by_hand() -> None:
    sample = Sample("a", codec.encode(MASK))
    got = curation.class_loss([(sample, PROBABILITIES)], 3 - 1)
    assert got.tolist() == pytest.approx([math.log(2), math.log(10)])


def test_class_without_pixels_gets_the_mean_of_the_others() -> None:
    sample = Sample("a", codec.encode(MASK))
    wide = np.concatenate([PROBABILITIES, np.zeros((1, 1, 3), np.float32)])
    got = curation.class_loss([(sample, wide)], 3)
    assert got[2] == pytest.approx((math.log(2) + math.log(10)) / 2)
    assert np.isnan(curation.class_loss([], 2)).all()


def test_faultless_judge_keeps_a_floor() -> None:
    sample = Sample("a", codec.encode(np.zeros((1, 3), np.uint8)))
    sure = np.array([[[1.0] * 3], [[0.0] * 3]], np.float32)
    assert curation.class_loss([(sample, sure)], 2)[0] == curation.SMALLEST_LOSS


def test_agreement_leaves_ignored_pixels_out() -> None:
    assert curation.agreement(np.array([[0, 0, 0]], np.uint8), MASK) == 0.5
    assert curation.agreement(MASK, np.full((1, 3), 255, np.uint8)) == 0
