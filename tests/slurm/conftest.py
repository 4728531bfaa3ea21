"""A cluster for the whole session, and folders that hold a copy of the workflow."""

import copy
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from landloom.provenance import records
from tests import rasters, shards
from tests.slurm.cluster import Cluster, reason, wait
from tests.test_workflow import CONFIG, ROOT, environment

TINY: dict[str, Any] = copy.deepcopy(CONFIG) | {
    "plan": {"count": 8},
    "generators": {"landloom": {}},
    "mix": {"ratios": [0.02]},
}
TINY["data"]["split"] = {"by": "block", "block": 64, "val": 0.2, "test": 0.2}
LONG: dict[str, Any] = copy.deepcopy(TINY) | {"run": {"log": 1, "checkpoint": 0.2}}
LONG["base"]["vae"] |= {"steps": 600}
BASE = "results/tiny/base"


class Run:
    """A folder with a copy of the workflow, its data and a config."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.folder = folder
        for name in ("workflow", "profiles"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Snakefile", folder)
        (folder / "slurm").symlink_to("profiles/slurm")
        rng = np.random.default_rng(0)
        mask = shards.mask(rng, 256)
        rasters.save(folder / "images/a.tif", shards.image(mask, rng))
        rasters.save(folder / "masks/a.tif", mask + np.uint8(1))
        (folder / "config").mkdir()
        (folder / "config/config.yaml").write_text(yaml.safe_dump(config))

    def command(self, *arguments: str) -> list[str]:
        """Snakemake on the cluster, looking at its jobs often."""
        fast = ["--set-threads", "base=1", "--slurm-init-seconds-before-status-checks", "2"]
        return [sys.executable, "-m", "snakemake", *fast, "--profile", "slurm", *arguments]

    def start(self, *arguments: str, module: str = "snakemake") -> subprocess.Popen[str]:
        """Start a run in the background; its output goes to main.log."""
        command = self.command(*arguments)
        command[2] = module
        with (self.folder / "main.log").open("a") as log:
            return subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, text=True, env=self.environment()
            )

    def finish(self, process: subprocess.Popen[str], code: int = 0) -> str:
        """Wait for the end of a run; returns what it printed. Each requeue takes two minutes."""
        found = process.wait(timeout=1200)
        text = (self.folder / "main.log").read_text()
        assert found == code, text[-5000:]
        return text

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run to the end."""
        return self.finish(self.start(*arguments), code)

    def environment(self) -> dict[str, str]:
        """Jobs use this copy of the package; one thread each."""
        path = f"{self.folder / 'workflow'}"
        return environment() | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path}

    def digest(self, inside: str = BASE) -> str:
        """Digest of an output."""
        return records.digest(self.folder / inside)

    def until_training(self, process: subprocess.Popen[str]) -> None:
        """Wait until the base's training has written a checkpoint."""

        def saved() -> bool:
            assert process.poll() is None, (self.folder / "main.log").read_text()[-5000:]
            return any((self.folder / "results").rglob("checkpoint.pt"))

        wait(saved, "a checkpoint", 180)

    def worker(self) -> int:
        """Process id of the running base stage, the Python process at the leaf."""
        here = str(self.folder)
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().decode().split("\0")
                if words[1:4] == ["-m", "landloom", "base"] and str((entry / "cwd").readlink()) == here:
                    return int(entry.name)
            except OSError:
                continue
        raise AssertionError("no base stage is running")

    def job(self, rule: str = "base") -> tuple[str, str]:
        """Id and node of the running SLURM job of a rule in this folder."""
        text = subprocess.run(
            ["squeue", "-h", "-o", "%i %N %T %k %Z"], check=True, capture_output=True, text=True
        ).stdout
        for line in text.splitlines():
            job, node, state, comment, folder = line.split(maxsplit=4)
            if folder == str(self.folder) and f"rule_{rule}_" in f"{comment}_" and state == "RUNNING":
                return job, node
        raise AssertionError(f"no running job of {rule}: {text}")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A SLURM of our own; it takes root and installs packages, so only on request."""
    if not os.environ.get("LANDLOOM_SLURM_TESTS"):
        pytest.skip(
            "set LANDLOOM_SLURM_TESTS=1 (tests/slurm/run does); it installs SLURM from Debian's packages"
        )
    if why := reason():
        pytest.skip(f"no SLURM of our own here: {why}")
    lab = Path(tempfile.mkdtemp(prefix="landloom-slurm-"))
    lab.chmod(0o755)  # munge and mariadb run as users of their own
    found = Cluster(lab)
    found.up()
    yield found
    found.down()


@pytest.fixture
def make(tmp_path: Path, cluster: Cluster) -> Callable[[dict[str, Any]], Run]:
    """Makes a folder to run in; what is left of its jobs is cancelled in the end."""
    return lambda config: Run(tmp_path, config)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> str:
    """Digest of the base that the long config gives when nothing happens, without SLURM."""
    run = Run(tmp_path_factory.mktemp("undisturbed"), LONG)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", BASE]
    subprocess.run(command, cwd=run.folder, check=True, env=run.environment(), capture_output=True)
    return run.digest()


@pytest.fixture(autouse=True)
def calm() -> Iterator[None]:
    """No job outlives its test."""
    yield
    if shutil.which("scancel") and os.environ.get("LANDLOOM_SLURM_TESTS"):
        subprocess.run(["scancel", "--signal=KILL", "--user=root"], capture_output=True, check=False)
        subprocess.run(["scancel", "--user=root"], capture_output=True, check=False)
        time.sleep(1)
