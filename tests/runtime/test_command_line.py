import json
import shutil
import sys
import types
from importlib import metadata
from pathlib import Path

import pytest

from landloom import __main__
from landloom.config.run import DEFAULT, RunConfig
from landloom.config.tile import TileConfig
from landloom.errors import InputError, InputErrors
from landloom.provenance import records
from landloom.runtime import command_line, registry
from landloom.runtime.command_line import How, In, Ins, Out, State


def example(
    config: TileConfig, name: str, parts: Ins, out: Out, mask: In | None = None, seed: int = 3
) -> None:
    """An example."""


def stateful(state: State) -> None:
    """An example with a state folder."""


def test_annotations_are_the_command_line() -> None:
    kinds = {p.name: (p.kind, p.many, p.required) for p in command_line.parameters(example)}
    assert kinds == {
        "config": ("json", False, True),
        "name": ("value", False, True),
        "parts": ("input", True, True),
        "out": ("output", False, True),
        "mask": ("input", False, False),
        "seed": ("value", False, False),
    }
    assert [p.kind for p in command_line.parameters(stateful)] == ["state"]


def test_arguments_are_parsed_to_their_types() -> None:
    given = ["--config", '{"size": 64}', "--name", "a", "--parts", "x", "y", "--out", "o", "--seed", "7"]
    found = vars(command_line.parser("example", example).parse_args(given))
    assert found == {
        "config": TileConfig(size=64),
        "name": "a",
        "parts": [Path("x"), Path("y")],
        "out": Path("o"),
        "mask": None,
        "seed": 7,
    }


def test_how_jobs_run_is_in_no_fingerprint_and_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Path, float]] = []

    def run(name: str, state: State, out: Out, run: How = DEFAULT) -> None:
        seen.append((state, run.log))
        out.write_text(name)

    monkeypatch.setitem(sys.modules, "landloom.stages.example", types.SimpleNamespace(VERSION=1, run=run))
    out = tmp_path / "o"
    for given in ([], ["--run", '{"log": 1}'], ["--run", '{"log": 2}'], []):
        out.unlink(missing_ok=True)
        words = ["--name", "a", "--state", str(tmp_path / "state"), "--out", str(out), *given]
        __main__.execute("example", words)
        assert json.loads(records.record_path(out).read_text())["parameters"] == {"name": "a"}
        shutil.rmtree(tmp_path / ".landloom")  # else the finished result would come back
        monkeypatch.setenv(RunConfig.VARIABLE, "{}")
        RunConfig(log=3).publish()  # what the workflow does; an option goes before it
    assert [log for _, log in seen] == [10, 1, 2, 3]
    assert len({state for state, _ in seen}) == 1


def test_values_may_begin_with_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "--config",
        "{}",
        "--name",
        "-74_40",
        "--parts",
        "-a.tif",
        "-h",
        "-1",
        "--c.tif",
        "--out",
        "o",
        "--seed",
        "-7",
    ]
    found = vars(command_line.parser("example", example).parse_args(words))
    assert (found["name"], found["seed"]) == ("-74_40", -7)
    assert found["parts"] == [Path("-a.tif"), Path("-h"), Path("-1"), Path("--c.tif")]
    for wrong in ("--nonsense", "--see"):  # misspelt and shortened options are no values
        with pytest.raises(SystemExit):
            command_line.parser("example", example).parse_args([*words, wrong])
        assert f"unrecognized arguments: {wrong}" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command_line.parser("example", example).parse_args([*words[:-1], "-x"])
    assert "invalid int value" in capsys.readouterr().err


def test_a_wrong_section_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.parser("example", example).parse_args(["--config", '{"size": 63}', "--name", "a"])
    assert "multiple of 8" in capsys.readouterr().err


def test_missing_inputs_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.tif: the input --mask does not exist"):
        command_line.require({"mask": [tmp_path / "gone.tif"]})


def test_outputs_get_their_names_together(tmp_path: Path) -> None:
    outputs = [tmp_path / "new" / "a.txt", tmp_path / "folder"]
    with command_line.atomic(outputs) as (file, folder):
        file.write_text("done")
        folder.mkdir()
        assert not any(o.exists() for o in outputs)
    assert (outputs[0].read_text(), outputs[1].is_dir()) == ("done", True)


def write_half(output: Path) -> None:
    with command_line.atomic([output]) as (file,):
        file.write_text("half")
        raise ZeroDivisionError


def test_a_failure_keeps_the_old_output_and_leaves_nothing_else(tmp_path: Path) -> None:
    old = tmp_path / "a.txt"
    old.write_text("old")
    with pytest.raises(ZeroDivisionError):
        write_half(old)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "old")]


def test_an_output_that_was_not_written_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=r"did not write .*a\.txt"),
        command_line.atomic([tmp_path / "a.txt"]),
    ):
        pass


def test_the_record_holds_bytes_and_parameters(tmp_path: Path) -> None:
    source, output = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("abc")
    output.write_text("xyz")
    records.Recorder("example", 2, {"seed": 1}, [source]).write([output])
    record = json.loads((tmp_path / "out.txt.prov.json").read_text())
    assert (record["stage"], record["version"], record["parameters"]) == ("example", 2, {"seed": 1})
    assert record["inputs"] == {str(source): records.digest(source)}
    assert record["sha256"] == records.digest(output)


@pytest.mark.parametrize(
    "changed", [("other", 1, {}, ["x"]), ("s", 2, {}, ["x"]), ("s", 1, {"a": 1}, ["x"]), ("s", 1, {}, [])]
)
def test_the_fingerprint_changes_with_each_part(changed: tuple[str, int, dict[str, int], list[str]]) -> None:
    assert records.fingerprint(*changed) != records.fingerprint("s", 1, {}, ["x"])


def test_a_folders_digest_ignores_records_and_sees_names(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    before = records.digest(tmp_path)
    (tmp_path / "a.prov.json").write_text("{}")
    assert records.digest(tmp_path) == before
    (tmp_path / "a").rename(tmp_path / "b")
    assert records.digest(tmp_path) != before


def test_problems_are_numbered_once_each() -> None:
    error = InputErrors(
        [
            InputError("a", "wrong", "Fix it."),
            InputError("b", "gone", "Add it."),
            InputError("a", "wrong", "Fix it."),
        ]
    )
    assert str(error) == "2 problems found:\n  1. a: wrong. Fix it.\n  2. b: gone. Add it."


def test_wrong_input_exits_with_1_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "statistics.json").write_text("{}")
    arguments = [
        "caption",
        "--config",
        "{}",
        "--statistics",
        f"{tmp_path}/statistics.json",
        "--tiles",
        "gone",
        "--state",
        "state",
        "--out",
        "out",
        "--summary",
        "summary",
    ]
    monkeypatch.setattr(sys, "argv", ["landloom", *arguments])
    monkeypatch.chdir(tmp_path)
    assert __main__.main() == 1
    assert "error: gone: the input --tiles does not exist" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["statistics.json"]


def test_an_unknown_stage_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["landloom", "tyle"])
    assert __main__.main() == 2
    assert "stages: " in capsys.readouterr().err


def helpful(config: TileConfig, name: str, parts: Ins) -> None:
    """Make an example.

    It has two paragraphs.

    Args:
        name: of the example,
            in 50 % of cases.

    Raises:
        InputError: never.
    """


def test_help_says_what_each_option_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.parser("example", helpful).parse_args(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "Make an example. It has two paragraphs. options:" in said
    assert "--name VALUE of the example, in 50 % of cases." in said
    assert "--parts [INPUT ...] must be there" in said
    assert "Raises" not in said


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_what_there_is_to_type(
    word: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["landloom", word])
    assert __main__.main() == 0
    said = capsys.readouterr().out
    if word == "--version":
        assert said == f"landloom {metadata.version('landloom')}\n"
    else:
        lines = dict(line.split(maxsplit=1) for line in said.splitlines() if line.startswith("  "))
        assert set(lines) == {*registry.names(), *(c.replace("_", "-") for c in registry.commands())}
        assert lines["tile"].startswith("Cut scenes into tiles")
        assert lines["verify"].startswith("re-hash results")


def test_an_unknown_word_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["landloom", "tiles"])
    assert __main__.main() == 2
    assert capsys.readouterr().err.startswith("error: 'tiles' is no stage or command\nusage: landloom")
