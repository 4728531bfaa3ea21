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


@pytest.mark.parametrize(
    ("name", "form", "found"),
    [
        ("S2_20240901_T52", "%Y%m%d", date(2024, 9, 1)),
        ("a-2024-09-01-b", "%Y-%m-%d", date(2024, 9, 1)),
        ("202409_12", "%Y%m", date(2024, 9, 1)),
        ("L8 2024245", "%Y%j", date(2024, 9, 1)),
        ("2024090112", "%Y%m%d", None),  # a longer number is another one
        ("20241301", "%Y%m%d", None),
        ("20240901_20240901", "%Y%m%d", date(2024, 9, 1)),
        ("north", "%Y", None),
    ],
)
def test_days_in_names(name: str, form: str, found: date | None) -> None:
    assert acquisition.in_name(name, form, "x") == found


def test_a_name_with_two_days_is_an_input_error() -> None:
    with pytest.raises(InputError, match="'20240901_20240911' holds 2024-09-01 and 2024-09-11"):
        acquisition.in_name("20240901_20240911", "%Y%m%d", "data.day_in_name")
