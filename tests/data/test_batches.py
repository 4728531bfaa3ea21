import pytest
import torch

from landloom.data.batches import Fitting, batches


def test_slices_cover_the_count() -> None:
    assert [list(range(5))[s] for s in batches(5, 2)] == [[0, 1], [2, 3], [4]]
    assert list(batches(0, 2)) == []


class Card:
    """A made-up GPU that has room for some samples."""

    def __init__(self, room: int) -> None:
        self.room, self.asked = room, list[int]()

    def __call__(self, part: slice) -> list[int]:
        numbers = list(range(7))[part]
        self.asked.append(len(numbers))
        if len(numbers) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return [10 * n for n in numbers]


def test_a_batch_is_halved_until_it_fits_and_the_number_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    card, fitting = Card(2), Fitting()
    assert fitting(card, 7) == [0, 10, 20, 30, 40, 50, 60]
    assert card.asked == [7, 4, 2, 2, 2, 1]
    assert "out of GPU memory with 7 samples at once, taking 4" in capsys.readouterr().err
    card.asked.clear()
    fitting(card, 7)
    assert card.asked == [2, 2, 2, 1]
    assert fitting(Card(9), 0) == []


def test_one_sample_that_does_not_fit_is_an_error_and_other_errors_pass() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        Fitting()(Card(0), 7)

    def wrong(part: slice) -> list[int]:
        raise RuntimeError("sizes differ")

    with pytest.raises(RuntimeError, match="sizes differ"):
        Fitting()(wrong, 7)
