"""File times set right: an output that is current must not look older than its inputs."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from landloom.orchestration.recorded_jobs import Job
from landloom.provenance import digests

STAMP = ".snakemake_timestamp"
"""In folders that Snakemake made: the file whose time it takes for the folder's."""


class FileTimes:
    """Touches outputs that look older than inputs whose bytes are those they were made from.

    Args:
        jobs: by output.
        forced: outputs of jobs that will be done again, with all that depends on them.
    """

    def __init__(self, jobs: Mapping[str, Job], forced: Iterable[str]) -> None:
        self.jobs = jobs
        self.good = {id(jobs[o]): False for o in forced}
        self.now = time.time_ns()

    def correct(self) -> None:
        """Go through all jobs, each after those that made its inputs."""
        for job in self.jobs.values():
            self._settle(job)

    def _settle(self, job: Job) -> bool:
        """Whether a job need not be done again, as far as can be told; if so, its times say so now."""
        if id(job) not in self.good:
            before = [self._settle(self.jobs[i]) for i in job.inputs if i in self.jobs]
            self.good[id(job)] = all(before) and self._dated(job)
        return self.good[id(job)]

    def _dated(self, job: Job) -> bool:
        oldest = min(map(changed, job.products))
        times = {i: changed(Path(i)) for i in job.inputs if Path(i).exists()}
        newer = [i for i, then in times.items() if then > oldest]
        if not all(_same(i, job) for i in newer):
            return False
        for path in job.products if newer else ():
            _touch(path, max(self.now, *times.values()))
        return True


def changed(path: Path) -> int:
    """Time of change (ns) as Snakemake sees it; of a link, the later one of itself and its target."""
    *_, seen = _dated_by(path)
    return max(seen.stat().st_mtime_ns, path.lstat().st_mtime_ns if path.is_symlink() else 0)


def _same(path: str, job: Job) -> bool:
    """Whether the bytes of an input are those that all of a job's outputs were made from."""
    return {r["inputs"].get(path) for r in job.records} == {digests.remembered(Path(path))}


def _dated_by(path: Path) -> Iterator[Path]:
    """What Snakemake looks at for the time of a file or folder, last."""
    yield path
    if path.is_dir() and (path / STAMP).exists():
        yield path / STAMP


def _touch(path: Path, when: int) -> None:
    """Give a file or folder a time (ns); what another user owns stays as it is, and is made again."""
    for file in _dated_by(path):
        try:
            os.utime(file, ns=(when, when))
        except OSError:
            return
