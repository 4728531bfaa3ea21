from datetime import date

import pytest

from landloom.errors import InputError
from landloom.scenes import acquisition


@pytest.mark.parametrize(
    "text",
    [
        "2024-09-01",
        "2024:09:01 10:12:30",
        "20240901",
        "2024-09-01T10:12:00Z",
        "2024/09/01",
        "20240901T101200",
    ],
)
def test_days_as_programs_write_them(text: str) -> None:
    assert acquisition.day(text, "x") == date(2024, 9, 1)


@pytest.mark.parametrize("text", ["2024-13-01", "2023-02-31", "24-09-01", "September", ""])
def test_what_is_no_day_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError, match=rf"^a\.tif, acquired: '{text}' is no date"):
        acquisition.day(text, "a.tif, acquired")


@pytest.mark.parametrize("text", ["40", "-0.1", "nan", "some"])
def test_what_is_no_share_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError, match=rf"^a\.tif, cloud: '{text}' is no share .* not per cent"):
        acquisition.share(text, "a.tif, cloud")


def test_shares() -> None:
    assert [acquisition.share(t, "x") for t in ("0", "0.4", "1")] == [0, 0.4, 1]
