"""A report says what happened, and nothing that is nobody's business."""

from pathlib import Path

import pytest

from landloom.commands import bug_report

LOG = """Building DAG of jobs...
[Mon May  4 12:00:00 2026]
Error in rule tile_scenes:
    message: None
    jobid: 3
    output: results/x/tiles/a.parquet
    log: logs/x/tile/a.log (check log file(s) for error details)
    shell:
        python -m landloom tile
        (command exited with non-zero exit code)
Shutting down, this might take some time.
"""


@pytest.fixture
def failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a job has failed."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        ".snakemake/log/2026-05-04T110000.000000.snakemake.log": "an earlier run",
        ".snakemake/log/2026-05-04T120000.000000.snakemake.log": LOG,
        "logs/x/tile/a.log": "\n".join(["begin", *map(str, range(100)), "error: a.tif: cut off"]),
        "logs/x/tile/b.log": "another job, which is fine",
        "config/config.yaml": "dataset: x\ncaption: {endpoint: {url: 'https://me:pw1234@host/v1'}}\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_versions_config_and_the_failed_jobs_log_are_shown(
    failed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bug_report.main([]) == 0
    said = capsys.readouterr().out
    assert "landloom 0" in said
    assert "cores, " in said
    assert "dataset: x" in said
    assert "## logs/x/tile/a.log" in said
    assert "error: a.tif: cut off" in said
    assert "begin" not in said  # the end is what counts
    assert "an earlier run" not in said
    assert "which is fine" not in said
    assert "pw1234" not in said


def test_where_nothing_ran_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert dict(bug_report.failures(Path())) == {"last run": "none in this folder"}
    assert dict(bug_report.shown([Path("gone.yaml")])) == {"gone.yaml": "there is no such file"}


@pytest.mark.parametrize(
    "secret",
    [
        "https://user:{}@host/v1", "Authorization: Bearer {}", "OPENAI_API_KEY={}", '"api_key": "{}"',
        "password: {}", "hf_{}", "sk-{}", "HF_TOKEN: '{}'", "https://host/v1?key={}", "https://host/v1?a=1&sig={}",
        "AIza0000000000000000{}", "eyJhbGciOi.{}.x",
    ],
)  # fmt: skip
def test_secrets_are_left_out(secret: str) -> None:
    word = "q9Zt77aBcDeF"
    assert word in secret.format(word)
    said = bug_report.hidden(f"before {secret.format(word)} after")
    assert word not in said
    assert said.startswith("before ")
    assert said.endswith(" after")


def test_the_home_folder_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert (
        bug_report.hidden("/home/someone/data/a.tif: a token of 512 tokens")
        == "~/data/a.tif: a token of 512 tokens"
    )
