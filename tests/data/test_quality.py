"""The verdict on a sample."""

import math

import pytest

from landloom.data import quality
from landloom.data.quality import Quality, Reason

BAD = quality.judged(None, {"agreement": 0.21}, quality.below("agreement", 0.21, 0.3), "a b_1")
GOOD = quality.judged(None, {"agreement": 0.71}, quality.below("agreement", 0.71, 0.3))


def test_a_score_that_is_too_small_is_a_reason() -> None:
    assert (BAD.accepted, BAD.reasons, BAD.nearest) == (False, ["agreement"], "a b_1")
    assert BAD.details == ["agreement 0.2100 < 0.3000"]
    assert (GOOD.accepted, GOOD.reasons, GOOD.details) == (True, [], [])
    assert (quality.score(GOOD, "agreement"), quality.score(BAD, "agreement")) == (0.71, 0.21)


def test_a_sample_that_came_rejected_stays_so() -> None:
    before = quality.judged(None, {"residual": 0.1}, [Reason("class shares", "off by 9 points")])
    found = quality.judged(before, {"agreement": 0.9})
    assert (found.accepted, found.reasons, found.details) == (False, ["class shares"], ["off by 9 points"])
    assert (found.scores.residual, found.scores.agreement) == (0.1, 0.9)


def test_an_unjudged_sample_is_accepted_without_a_score() -> None:
    assert quality.accepted(None)
    assert math.isnan(quality.score(None, "agreement"))
    assert math.isnan(quality.score(Quality(), "agreement"))


def test_the_mean_of_a_score_leaves_out_samples_without_it() -> None:
    found = [quality.judged(None, {"residual": x}) for x in (0.1, 0.3, None)]
    assert quality.mean_score([*found, None], "residual") == pytest.approx(0.2)
    assert math.isnan(quality.mean_score(found, "agreement"))
