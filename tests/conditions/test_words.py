import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from landloom.conditions.words import describe, image_caption, mask_prompt
from landloom.config.caption import CaptionConfig

NAMES = ["water", "forest", "developed", "road"]


def test_largest_class_first_and_small_ones_left_out() -> None:
    assert (
        describe([0.01, 0.4512, 0.3, 0.001], NAMES, CaptionConfig()) == "45% forest, 30% developed, 1% water"
    )


@pytest.mark.parametrize(
    ("step", "expected"),
    [(5, "45% forest, 30% developed, 5% water"), (10, "50% forest, 30% developed, 10% water")],
)
def test_rounding_shows_at_least_one_step(step: int, expected: str) -> None:
    assert describe([0.01, 0.45, 0.3, 0], NAMES, CaptionConfig(step=step)) == expected


def test_equal_shares_keep_the_order_of_the_classes() -> None:
    assert describe([0.5, 0, 0, 0.5], NAMES, CaptionConfig()) == "50% water, 50% road"


def test_templates() -> None:
    config = CaptionConfig(image_template="a drone photo with {ratios}", mask_template="map: {ratios}")
    assert image_caption([0, 1, 0, 0], NAMES, config) == "a drone photo with 100% forest"
    assert mask_prompt([0, 1, 0, 0], NAMES, config) == "map: 100% forest"


def test_nothing_to_mention_leaves_no_comma() -> None:
    assert image_caption([0, 0, 0, 0], NAMES, CaptionConfig()) == "satellite image"


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.integers(1, 50), st.floats(0, 0.5))
def test_every_mentioned_class_has_a_share_above_zero(
    ratios: list[float], step: int, smallest: float
) -> None:
    text = describe(ratios, NAMES, CaptionConfig(step=step, smallest=smallest))
    shown = [int(p) for p in re.findall(r"(\d+)%", text)]
    assert all(p > 0 and p % step == 0 for p in shown)
    assert shown == sorted(shown, reverse=True)
    assert len(shown) == sum(r > 0 and r >= smallest for r in ratios)


@pytest.mark.parametrize("template", ["{ratio}", "{ratios} in {city}", "{}", "{ratios"])
def test_wrong_placeholders_are_a_config_error(template: str) -> None:
    with pytest.raises(ValidationError, match=r"\{ratios\} only|not a template"):
        CaptionConfig(image_template=template)
