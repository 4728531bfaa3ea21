"""Where an output came from: digests, fingerprints, and the record beside each output.

The record of ``x`` is ``x.prov.json``. It holds what was run, from which bytes, with which packages, on which
machine, and for how long; outputs themselves hold no times, so that the same inputs give the same bytes.
``python -m landloom.provenance PATH`` prints the digest of a file or folder.
"""

import hashlib
import json
import os
import platform
import resource
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from importlib import metadata
from io import BufferedReader
from pathlib import Path
from typing import Any

from landloom.runtime import phases
from landloom.runtime.gpus import VISIBLE, visible

SUFFIX = ".prov.json"
LEFT_OUT = (SUFFIX, ".snakemake_timestamp")
PACKAGES = ("numpy", "torch", "diffusers", "transformers", "peft", "rasterio", "segmentation-models-pytorch")


def sha256(file: BufferedReader) -> str:
    """SHA-256 of an open file's bytes."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def digest(path: Path, of: Callable[[Path], str] | None = None) -> str:
    """SHA-256 of a file; of a folder, over its files' names and digests.

    Records are left out, and the time stamp that Snakemake leaves in folders. ``of`` gives the digest of one
    file; without it the file is read.
    """
    of = of or _read
    if path.is_file():
        return of(path)
    names = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.endswith(LEFT_OUT))
    lines = "".join(f"{p.relative_to(path).as_posix()} {of(p)}\n" for p in names)
    return hashlib.sha256(lines.encode()).hexdigest()


def _read(path: Path) -> str:
    with path.open("rb") as f:
        return sha256(f)


def fingerprint(stage: str, version: int, config: Any, inputs: Iterable[str]) -> str:
    """Name of the state folder of a job: changes with stage version, config and input bytes."""
    text = json.dumps([stage, version, config, list(inputs)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def record_path(output: Path) -> Path:
    """Path of the record that belongs to an output."""
    return output.with_name(output.name + SUFFIX)


def packages() -> dict[str, str]:
    """Installed versions of the packages that shape results."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def device() -> str:
    """Name of the processor that torch used, without importing torch if the stage did not."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f"cpu ({platform.machine()})"


def gpus() -> int:
    """GPUs this job has to itself: those SLURM gave it, otherwise those it holds and torch sees."""
    if os.environ.get("SLURM_JOB_ID"):
        return len(visible()) if VISIBLE in os.environ else 0
    torch = sys.modules.get("torch")
    return int(torch.cuda.device_count()) if torch is not None and torch.cuda.is_available() else 0


def stage_code(stage: str) -> str:
    """Digest of a stage's module, to tell later whether it was edited."""
    path = Path(__file__).parents[1] / f"stages/{stage}.py"
    return digest(path) if path.exists() else ""


def peak_memory_mb() -> dict[str, int]:
    """Peak resident memory of this process and peak GPU memory, in MB."""
    peak = {"cpu": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        peak["gpu"] = torch.cuda.max_memory_allocated() // 2**20
    return peak


class Recorder:
    """Collects what a job did and writes one record beside each of its outputs.

    Args:
        stage: the stage.
        version: its VERSION.
        values: its parameters.
        inputs: files and folders that it reads.
        command: the command line that was given.
        of: how to find the digest of an input.
    """

    def __init__(
        self,
        stage: str,
        version: int,
        values: dict[str, Any],
        inputs: Iterable[Path],
        command: str = "",
        of: Callable[[Path], str] = digest,
    ) -> None:
        self.start = time.time()
        self.clock = time.perf_counter()
        self.digests = {str(p): of(p) for p in inputs}
        self.body: dict[str, Any] = {"stage": stage, "version": version, "parameters": values}
        self.given = {"inputs": self.digests, "command": command}
        self.job = uuid.uuid4().hex
        self.code = stage_code(stage)  # now: it may be edited while the job runs

    def fingerprint(self) -> str:
        """Fingerprint of this job, from stage, version, parameters and input digests."""
        body = self.body
        return fingerprint(body["stage"], body["version"], body["parameters"], self.digests.values())

    def write(self, outputs: Iterable[Path]) -> None:
        """Write the record of each output."""
        written = {output: digest(output) for output in outputs}  # first: it is work of the job, too
        body = (
            self.body
            | self.given
            | {
                "packages": packages(),
                "device": device(),
                "host": os.environ.get("SLURMD_NODENAME") or platform.node(),
                "slurm_job": os.environ.get("SLURM_JOB_ID"),
                "gpus": gpus(),
                "job": self.job,
                "code": self.code,
                "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.start)),
                "seconds": round(time.perf_counter() - self.clock, 3),
                "phases": phases.taken(),
                "peak_memory_mb": peak_memory_mb(),
            }
        )
        for output, found in written.items():
            _save(record_path(output), {"output": output.name, "sha256": found} | body)

    def renew(self, outputs: Iterable[Path]) -> None:
        """Let the records of outputs that were brought back say by which names this job asked for them."""
        for record in map(record_path, outputs):
            said = json.loads(record.read_text())
            if said != said | self.given:
                _save(record, said | self.given)


def _save(record: Path, content: dict[str, Any]) -> None:
    """Write a record in one step; what has a link to the old one, such as the result cache, keeps it."""
    partial = record.with_name(f".{record.name}.partial")
    partial.write_text(json.dumps(content, indent=1) + "\n")
    partial.replace(record)
