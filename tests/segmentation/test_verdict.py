import math

import pytest

from landloom.segmentation import verdict

BAD = verdict.write(
    {"agreement": 0.21, "nearest": "a b_1"}, verdict.below("agreement", 0.21, 0.3), "mix=real"
)
GOOD = verdict.write({"agreement": 0.71}, verdict.below("agreement", 0.71, 0.3), None)


def test_what_is_written_can_be_read() -> None:
    assert GOOD == "accepted agreement=0.7100"
    assert BAD == "rejected: agreement 0.2100 < 0.3000; agreement=0.2100 nearest=a b_1; mix=real"
    assert verdict.accepted(GOOD)
    assert not verdict.accepted(BAD)
    assert (verdict.score(GOOD, "agreement"), verdict.score(BAD, "agreement")) == (0.71, 0.21)
    assert verdict.text(BAD, "nearest") == "a b_1"
    assert verdict.reason(BAD) == "agreement 0.2100 < 0.3000"


def test_reasons_are_counted_without_their_numbers() -> None:
    note = verdict.write({"agreement": 0.1}, ["agreement 0.1 < 0.3", "copy of a real tile: nearer"], None)
    assert verdict.kinds(note) == ["agreement", "copy of a real tile"]


def test_a_sample_that_came_rejected_stays_so() -> None:
    note = verdict.write({"agreement": 0.9}, [], "rejected: class mix off by 9 points; mix=real")
    assert note == "rejected: class mix off by 9 points; agreement=0.9000; mix=real"


def test_unjudged_sample_is_accepted_without_a_score() -> None:
    assert verdict.accepted(None)
    assert math.isnan(verdict.score("mix=real", "agreement"))
    assert verdict.text("mix=real", "nearest") is None


def test_the_mean_of_a_score_leaves_out_notes_without_it() -> None:
    notes = ["residual=0.1", None, "rejected: x; residual=0.3", "mix=real"]
    assert verdict.mean_score(notes, "residual") == pytest.approx(0.2)
    assert math.isnan(verdict.mean_score(notes, "agreement"))


def test_above_has_a_reason_only_beyond_a_maximum() -> None:
    found = [verdict.above("x", v, m) for v, m in ((0.3, 0.2), (0.2, 0.2), (0.3, None), (math.nan, 0.2))]
    assert found == [["x 0.300 > 0.2"], [], [], []]
