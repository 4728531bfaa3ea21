from pathlib import Path

import pytest

from landloom.commands import verify
from landloom.errors import InputError
from landloom.orchestration import config_files

ROOT = Path(__file__).parents[2]


def test_files_are_merged_key_by_key_as_snakemake_does(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("tile: {size: 64, stride: 32}\nseed: 1\n")
    (tmp_path / "b.json").write_text('{"tile": {"stride": 16}, "mix": {"ratios": [1]}}')
    found = config_files.read([tmp_path / "a.yaml", tmp_path / "b.json"])
    assert found == {"tile": {"size": 64, "stride": 16}, "seed": 1, "mix": {"ratios": [1]}}


@pytest.mark.parametrize("text", ["a: [1", "- 1\n- 2\n", "", "a:\n\tb: 1\n"])
def test_what_is_no_config_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InputError, match=r"a\.yaml: not a config"):
        config_files.read([tmp_path / "a.yaml"])


def test_a_missing_file_says_how_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"b\.yaml: the config file does not exist\. Give yours with --configfile"
    ):
        config_files.read([tmp_path / "b.yaml"])


def test_a_key_that_stands_twice_is_named_with_its_lines(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("tile:\n  size: 64\nmix: [{a: 1}, {a: 2}]\ntile:\n  stride: 32\n")
    with pytest.raises(InputError, match=r"a\.yaml: key 'tile' stands in line 1 and in line 4\. Merge"):
        config_files.read([tmp_path / "a.yaml"])


def test_anchors_may_be_used_twice(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: &x {c: 1}\nb: *x\nd:\n  <<: *x\n  c: 2\n")
    assert config_files.read([tmp_path / "a.yaml"])["d"] == {"c": 2}


def test_verify_needs_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="results/nowhere: there are no results"):
        verify.main(["--configfile", str(ROOT / "config/config.yaml"), "--root", "results/nowhere"])
