"""What is asked for on the command line, and what is wrong with it; tests/test_workflow.py makes pairs."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from landloom.commands import generate
from landloom.config import load
from landloom.errors import InputError
from tests.config.test_config import raw

WORDS = ["--configfile", "c.yaml", "--out", "new"]


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a config and no run."""
    monkeypatch.chdir(tmp_path)
    for name in ("images/x.tif", "masks/x.tif"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    classes = [{"name": n, "values": [i], "color": f"#00000{i}"} for i, n in enumerate("abc")]
    data = {"images": "images/{s}.tif", "masks": "masks/{s}.tif", "classes": classes}
    found = raw() | {"data": data, "generators": {"g": {"plan": {"count": 9, "captions": "template"}}}}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(found))


def config(*words: str) -> Any:
    """The config that a call samples with."""
    given = generate.parser().parse_args([*WORDS, *words])
    wish = generate.numbers(given.tell, "--tell", generate.FIELDS)
    return load(generate.asked(yaml.safe_load(Path("c.yaml").read_text()), "g", given, wish))


def test_a_mix_of_all_classes_binds_and_one_of_some_leaves_the_others_open() -> None:
    some = config("--ratios", "a=0.25", "--count", "5").plan_of("g")
    assert (some.count, some.shards, some.captions) == (5, 1, "template")
    assert some.mixes["asked"].table == [{"a": 0.25}]
    assert some.mixes["asked"].partial
    every = config("--ratios", "a=0.25", "b=0.5", "c=0.25").plan_of("g")
    assert not every.mixes["asked"].partial


def test_without_a_mix_the_plan_of_the_run_is_asked_again() -> None:
    assert config().plan_of("g").mixes == load(yaml.safe_load(Path("c.yaml").read_text())).plan_of("g").mixes


def test_what_is_told_reaches_the_sampler() -> None:
    found = config("--tell", "gsd=0.3", "acquired=2024-09-01").section("label_sample", "g")
    assert (found.metadata.gsd, str(found.metadata.acquired)) == (0.3, "2024-09-01")
    scaled = config("--guidance", "text=2").section("image_sample", "g")
    assert scaled.scales == {"text": 2.0}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--ratios", "road=0.2"], r"--ratios: 'road=0\.2' is not that\. .* of a, b, c"),
        (["--ratios", "a=0.2", "a=0.3"], r"--ratios: 'a=0\.3' is not that\. .* each name once"),
        (["--ratios", "a=much"], r"a: 'much' is not a number"),
        (["--ratios", "a=0.7", "b=0.7"], r"sum to 1\.4"),
        (["--ratios", "a=0.7", "b=0.1", "c=0.1"], r"sum to 0\.9"),
        (["--ratios", "a=0.7", "--table", "t.csv"], "--table: is given beside --ratios"),
        (["--tell", "gsd=1"], r"--tell: 'g' has not learned metadata\. Train one with"),
        (["--tell", "month=13"], r"'month=13' is not that\. .* lon, lat, gsd, cloud, acquired"),
        (["--guidance", "edges=2"], r"--guidance: 'edges=2' is not that\. .* of text$"),
        (["--generator", "h"], "--generator: 'h' is none. Take one of g"),
        ([], r"results/\w+/statistics\.json: is not there \(and \d+ more\)\. Run it in the folder"),
    ],
)
def test_what_cannot_be_is_an_input_error(words: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        generate.main([*WORDS, *words])
    assert not list(Path().glob("*new*"))
