import json
from pathlib import Path

import pytest

from landloom.errors import InputError
from landloom.runtime.reading import json_of, network_of, object_of, reading


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": ' * 100_000, b"9" * 5000, b"NaN1"]
)
def test_what_is_no_json_is_said_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(
        InputError, match=r"a\.json: cannot be read as JSON \(.+\)\. Run ratios again$"
    ) as caught:
        json_of(tmp_path / "a.json", "Run ratios again")
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_an_object_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1]")
    assert json_of(tmp_path / "a.json") == [1]
    with pytest.raises(InputError, match=r"a\.json: is no JSON object\. Delete it"):
        object_of(tmp_path / "a.json")


def test_errors_of_look_ups_are_named_and_input_errors_pass() -> None:
    with (
        pytest.raises(InputError, match=r"x: is damaged \(KeyError 'weights'\)\. Mend it"),
        reading("x", "is damaged", "Mend it"),
    ):
        {}["weights"]
    own = InputError("y", "is wrong", "Correct it")
    with pytest.raises(InputError) as caught, reading("x", "is damaged", "Mend it"):
        raise own
    assert caught.value is own


@pytest.mark.parametrize("wrong", [{"layers_per_block": 10**9}, {"levels": 1e300}, {"depth": [2, 5000]}])
def test_networks_of_endless_layers(tmp_path: Path, wrong: dict[str, object]) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"width": 10**9, "layers": 4}))
    assert network_of(path, "")["layers"] == 4
    path.write_text(json.dumps(wrong))
    with pytest.raises(InputError, match=r"are more than any network has"):
        network_of(path, "Train it again")
