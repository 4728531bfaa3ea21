"""Rows out of files: the same ones, however many are held."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from landloom.data import held_tiles
from landloom.data.tensor_file import Kind, look
from landloom.data.tensor_rows import Chosen, Gathered, Rows, Streamed, announce
from landloom.data.tensor_table import Part, Table, spilled

VALUES = torch.arange(7 * 2 * 5).view(7, 2, 5)
ROW = 5 * 8
"""Bytes by two leading dimensions."""


@pytest.fixture
def parts(tmp_path: Path) -> list[Part]:
    """Seven rows in three files, one of which is empty; 100 is to be added to the values of the last."""
    found = []
    for i, (start, end) in enumerate([(0, 3), (3, 3), (3, 7)]):
        save_file({"x": VALUES[start:end].clone()}, tmp_path / str(i))
        found.append(Part(look(tmp_path / str(i))[0]["x"], 100 if i == 2 else 0))
    return found


def expected() -> Tensor:
    return torch.cat([VALUES[:3], VALUES[3:] + 100])


@pytest.mark.parametrize("capacity", [1, 3 * ROW, 8 * ROW, 14 * ROW])
def test_rows_are_the_same_however_many_are_held(parts: list[Part], capacity: int) -> None:
    rows = Table(parts, leading=2).rows(capacity)
    assert isinstance(rows, Tensor) == (capacity == 14 * ROW)
    for first, second in (([6, 0, 0], [1, 0, 0]), ([2, 3, 4, 5], [1, 1, 0, 1]), ([], [])):
        key = (torch.tensor(first, dtype=torch.long), torch.tensor(second, dtype=torch.long))
        assert torch.equal(rows[key], expected()[key])
        announce(rows, (torch.tensor([1, 5]), torch.tensor([0, 1])))
    if isinstance(rows, Streamed):
        rows[torch.tensor([1, 5]), torch.tensor([0, 1])]
        assert len(rows.held.held) <= max(1, capacity // ROW)
    assert (tuple(rows.shape), len(rows)) == ((7, 2, 5), 7)


def test_one_index_alone_is_a_row(parts: list[Part]) -> None:
    rows = Table(parts).rows(1)
    assert torch.equal(rows[4], expected()[4])
    assert torch.equal(rows[torch.tensor([4, 0])], expected()[[4, 0]])


def test_some_rows_of_others(parts: list[Part]) -> None:
    some = Chosen(Table(parts).rows(1), torch.tensor([5, 0, 2]))
    some.prefetch(torch.tensor([2]))
    assert (tuple(some.shape), len(some)) == ((3, 2, 5), 3)
    assert torch.equal(some[torch.tensor([2, 0])], expected()[[2, 5]])


def test_a_column_is_read_when_it_is_asked_for() -> None:
    class Unread:
        shape = (1,)

        def __len__(self) -> int:
            return 1

        def __getitem__(self, key: Tensor) -> Tensor:
            raise AssertionError

    columns: dict[str, Rows] = {"a": torch.arange(3), "b": Unread()}
    found = Gathered(columns, torch.tensor([2, 0]))
    assert (list(found), len(found), found["a"].tolist()) == (["a", "b"], 2, [2, 0])
    assert list(found.found) == ["a"]


@pytest.mark.parametrize("room", [14 * ROW, 14 * ROW - 1])
def test_what_does_not_fit_goes_to_a_file_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(held_tiles, "HELD_BYTES", room)
    rows = spilled(VALUES.split(3), Kind(torch.long, (7, 2, 5)), tmp_path / "state", leading=2)
    assert isinstance(rows, Tensor) == (room == 14 * ROW)
    key = (torch.arange(7), torch.arange(7) % 2)
    assert torch.equal(rows[key], VALUES[key])
    assert not list(tmp_path.rglob("*.*"))


@pytest.mark.parametrize(
    ("room", "wanted"),
    [
        (100, {"a": 10, "b": 60, "c": 30}),
        (60, {"a": 10, "b": 20, "c": 30}),
        (25, {"a": 10, "b": 10, "c": 5}),
        (6, {"a": 0, "b": 3, "c": 1}),
    ],
)
def test_small_tables_are_held_whole_and_others_share_the_rest(
    monkeypatch: pytest.MonkeyPatch, room: int, wanted: dict[str, int]
) -> None:
    monkeypatch.setattr(held_tiles, "HELD_BYTES", room)
    assert held_tiles.shared({"a": 10, "b": 60, "c": 30}) == wanted
