"""The whole workflow through ``snakemake --profile slurm``."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.slurm.conftest import TINY, Run

GPU_STAGES = {"base", "encode", "features", "label_train", "label_sample", "image_train", "image_sample"} | {
    "curate", "segment", "evaluate",
}  # fmt: skip


@pytest.mark.ci
def test_the_pipeline_runs_on_the_cluster(make: Callable[[dict[str, Any]], Run]) -> None:
    run = make(TINY)
    run.run()
    assert (run.folder / "results/tiny/report/index.html").exists()
    audit = json.loads((run.folder / "results/tiny/audit.json").read_text())
    assert audit["summary"]["ok"] > 15
    assert not any(v for k, v in audit["summary"].items() if k != "ok")
    asked = requested(run)
    assert set(asked) >= GPU_STAGES
    assert {"tile_scenes", "ratios", "caption", "mix", "export", "report", "audit"} <= set(asked)
    for stage, (partition, tres) in asked.items():
        assert ("gres/gpu=1" in tres) == (stage in GPU_STAGES), stage
        assert partition == ("gpu" if stage in GPU_STAGES else "cpu"), stage
    again = subprocess.run(
        run.command("-n"), cwd=run.folder, capture_output=True, text=True, env=run.environment()
    )
    assert "Nothing to be done" in again.stdout + again.stderr


def requested(run: Run) -> dict[str, tuple[str, str]]:
    """Partition and trackable resources of each stage's job in this folder, as accounting has them."""
    columns = "comment,partition,reqtres,workdir"
    rows = subprocess.run(
        ["sacct", "-X", "-n", "-P", "-o", columns], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    found = [row.split("|") for row in rows]
    mine = [(c, p, t) for c, p, t, folder in found if folder == str(run.folder)]
    return {c.removeprefix("rule_").partition("_wildcards")[0]: (p, t) for c, p, t in mine}
