"""Captions by class shares."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from landloom.captioning.bank import CaptionBank
from landloom.errors import InputError

RATIOS = np.array([[1.0, 0.0], [0.9, 0.1], [0.5, 0.5], [0.5, 0.5], [0.0, 1.0]])
IDS = ["a", "b", "c", "d", "e"]


@pytest.fixture
def captions(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    for path, ids in zip(paths, (["a", "b", "c"], ["d", "e", "val"]), strict=True):
        pd.DataFrame({"id": ids, "caption": [f"words of {i}" for i in ids]}).to_parquet(path)
    return paths


def drawn(bank: CaptionBank, target: list[float]) -> set[str]:
    return {bank.draw(np.array(target), seed)[-1] for seed in range(40)}


def test_the_nearest_tile(captions: list[Path]) -> None:
    bank = CaptionBank(captions, IDS, RATIOS, 1)
    assert drawn(bank, [0.97, 0.03]) == {"a"}
    assert drawn(bank, [0.1, 0.9]) == {"e"}


def test_ties_take_turns_by_the_seed(captions: list[Path]) -> None:
    bank = CaptionBank(captions, IDS, RATIOS, 1)
    assert drawn(bank, [0.5, 0.5]) == {"c", "d"}
    assert [bank.draw(np.array([0.5, 0.5]), 7) for _ in range(3)] == [bank.draw(np.array([0.5, 0.5]), 7)] * 3


def test_a_wider_draw(captions: list[Path]) -> None:
    assert drawn(CaptionBank(captions, IDS, RATIOS, 2), [1, 0]) == {"a", "b"}
    assert drawn(CaptionBank(captions, IDS, RATIOS, 99), [1, 0]) == set(IDS)


def test_classes_left_free_do_not_count(captions: list[Path]) -> None:
    assert drawn(CaptionBank(captions, IDS, RATIOS, 1), [float("nan"), 1.0]) == {"e"}


def test_a_tile_without_a_caption(captions: list[Path]) -> None:
    with pytest.raises(InputError, match="1 train tiles have no caption, such as 'e'"):
        CaptionBank(captions[:1], ["a", "b", "c", "e"], RATIOS[[0, 1, 2, 4]], 1)
