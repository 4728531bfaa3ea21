import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from landloom.errors import InputError
from landloom.scenes.naming import LONGEST, coded, spelt, takes_capitals_for_small

ODD = st.text("aA.~-_ =+@%#/\"'|,;{}[]*?\\Áé2E0", max_size=12)
NAMES = st.one_of(ODD, st.text(max_size=300)).map(lambda n: unicodedata.normalize("NFC", n))


def read(code: str) -> str:
    """The name of a code that is not shortened, by the manual."""
    data = re.sub(rb"~([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), code.encode())
    return data.decode()


@given(NAMES)
@example("~2E")
@example("\x00\u2028")
def test_a_code_tells_its_name_and_is_safe(name: str) -> None:
    code = coded(name)
    assert len(code.encode()) <= LONGEST
    assert all(c in "._-~" or unicodedata.category(c)[0] in "LMN" for c in code)
    assert not code.startswith(".")
    if "~~" not in code:
        assert read(code) == name


@given(NAMES, NAMES)
@example("x" * 190, "x" * 191)
@example("é" * 200 + "a", "é" * 200 + "b")
@example(" ", "~20")
def test_two_names_never_have_one_code(one: str, other: str) -> None:
    assert (coded(one) == coded(other)) == (one == other)


@given(st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,189}", fullmatch=True))
@example("-74_40")
@example("Äcker-北京.v2")
def test_names_without_odd_signs_are_their_own_codes(name: str) -> None:
    assert coded(name) == name


def test_codes_by_hand() -> None:
    assert coded("Área 1 (norte)#2") == "Área~201~20~28norte~29~232"
    assert coded("..") == "~2E."
    assert coded("a/b€") == "a~2Fb~E2~82~AC"


def test_names_are_compared_with_accents_in_one_piece() -> None:
    assert spelt("A\u0301 1", "x") == spelt("\u00c1 1", "x") == "\u00c1 1"


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\tb", "a\u2028", "\x7f"])
def test_names_that_cannot_be_shown_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"no name|control sign. Rename it"):
        spelt(name, "data.scenes")


def test_a_folder_says_whether_its_file_system_sees_capitals(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    assert not takes_capitals_for_small(tmp_path / "results")
    (tmp_path / "RESULTS").symlink_to("results")  # as a file system does that does not see them
    assert takes_capitals_for_small(tmp_path / "results")
    assert not takes_capitals_for_small(Path("/"))
