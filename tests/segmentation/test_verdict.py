import math

from landloom.segmentation import verdict


def test_what_is_written_can_be_read() -> None:
    good, bad = verdict.write(0.71, 0.3, None), verdict.write(0.21, 0.3, "mix=real")
    assert good.startswith("accepted agreement=0.71")
    assert bad == "rejected: agreement 0.2100 < 0.3000; mix=real"
    assert verdict.accepted(good)
    assert not verdict.accepted(bad)
    assert (verdict.agreement(good), verdict.agreement(bad)) == (0.71, 0.21)


def test_unjudged_sample_is_accepted_without_an_agreement() -> None:
    assert verdict.accepted(None)
    assert math.isnan(verdict.agreement("mix=real"))
