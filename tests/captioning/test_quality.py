"""Good and bad captions."""

import pytest

from landloom.captioning.backend import Answer
from landloom.captioning.quality import clean, problem
from landloom.captioning.tokens import estimate
from landloom.config.caption import CaptionConfig


def judge(text: str, complete: bool = True, **config: object) -> str | None:
    return problem(Answer(text, complete=complete), CaptionConfig.model_validate(config), estimate)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  Fields\n and\t a  road. ", "Fields and a road."),
        ('"Fields and a road."', "Fields and a road."),
        ("“Fields.”", "Fields."),
        ("Caption: Fields and a road.", "Fields and a road."),
        ("<think>I see\nfields.</think>\n\nFields.", "Fields."),
        ('A "quoted" word', 'A "quoted" word'),
        ("", ""),
    ],
)
def test_clean(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Dense residential area with red roofs, crossed by a road from north to south.",
        "Forest.",
        "A river, sorry banks of mud and 45% forest.",
        "Bare soil beside the runway; no image of clouds.",
        "Café terraces along the coast",
    ],
)
def test_good_captions(text: str) -> None:
    assert judge(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "Sorry, no.",
        "I cannot see any image here.",
        "I am unable to view images.",
        "As an AI language model I look at fields.",
        "No image was provided.",
        "Unfortunately, I can’t identify the place.",
    ],
)
def test_refusals(text: str) -> None:
    assert judge(text) == "refusal"


@pytest.mark.parametrize("text", ["", "  \n", '""', "...", "<think>Hm.</think>"])
def test_nothing_said(text: str) -> None:
    assert judge(text) == "empty"


def test_own_expressions() -> None:
    assert judge("Fields; see the legend.", reject=["legend"]) == "refusal"


def test_too_long() -> None:
    text = "fields and forest " * 10
    assert judge(text, limit=40) == f"{estimate(text.strip())} tokens, the limit is 40"


def test_cut_off() -> None:
    assert judge("Fields and a", complete=False) == "cut off at 200 tokens"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ein dichtes Wohngebiet mit roten Dächern und einer Straße.", "language 'de', not 'en'"),
        ("Green forest with a 农田 patch and roads.", "letters of another script: 农田"),
        ("密集的住宅区，红色屋顶", "letters of another script"),
    ],
)
def test_another_language(text: str, found: str) -> None:
    assert str(judge(text)).startswith(found)


def test_the_language_is_a_choice() -> None:
    text = "Ein dichtes Wohngebiet mit roten Dächern und einer Straße."
    assert judge(text, language="de") is None
    assert judge("Dense residential area with red roofs and a road.", language="de") is not None
