"""Tokens: by the base's own tokenizer, or by an estimate that is rather too high."""

from pathlib import Path

import pytest

from landloom.captioning.tokens import counter, estimate
from landloom.config.base import BaseConfig
from landloom.models import scratch


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 2),
        ("road", 3),
        ("roads", 4),
        ("45% forest, 1%", 2 + 2 + 1 + 2 + 1 + 1 + 1),
        ("Straße", 2 + 7),  # seven bytes
        ("red-roofed house", 2 + 1 + 1 + 2 + 2),
    ],
)
def test_estimate_by_hand(text: str, tokens: int) -> None:
    assert estimate(text) == tokens


def test_a_base_from_scratch_has_no_tokenizer_yet() -> None:
    assert counter(None)[1] == counter(BaseConfig())[1] == "estimate"


def test_a_given_base_counts_with_its_own_tokenizer(tmp_path: Path) -> None:
    scratch.tokenizer(["forest and water"] * 9).save_pretrained(tmp_path / "tokenizer")
    count, name = counter(BaseConfig(source=str(tmp_path)))
    assert (count("forest and water"), name) == (5, str(tmp_path))


@pytest.mark.parametrize("source", ["someone/model", "gone"])
def test_a_base_that_is_not_there_yet_is_estimated(source: str) -> None:
    assert counter(BaseConfig(source=source, revision="0" * 40))[1] == "estimate"
