from pathlib import Path

import pytest

from landloom import configfiles
from landloom.errors import InputError


def test_files_are_merged_key_by_key_as_snakemake_does(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("tile: {size: 64, stride: 32}\nseed: 1\n")
    (tmp_path / "b.json").write_text('{"tile": {"stride": 16}, "mix": {"ratios": [1]}}')
    found = configfiles.read([tmp_path / "a.yaml", tmp_path / "b.json"])
    assert found == {"tile": {"size": 64, "stride": 16}, "seed": 1, "mix": {"ratios": [1]}}


@pytest.mark.parametrize("text", ["a: [1", "- 1\n- 2\n", "", "a:\n\tb: 1\n"])
def test_what_is_no_config_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InputError, match=r"a\.yaml: not a config"):
        configfiles.read([tmp_path / "a.yaml"])


def test_a_missing_file_says_how_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"b\.yaml: the config file does not exist\. Give yours with --configfile"
    ):
        configfiles.read([tmp_path / "b.yaml"])
