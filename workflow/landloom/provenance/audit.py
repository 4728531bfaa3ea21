"""The audit of a results folder: every output re-hashed, and traced back to the scenes it came from."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import UnionType
from typing import Any

from landloom.errors import InputError
from landloom.provenance import lineage, records
from landloom.runtime.reading import object_of, reading

SKIPPED_FOLDERS = {"state"}  # checkpoints: they come and go, and no output is among them
PROBLEMS = ("changed", "missing", "stale", "outdated", "orphan")
NOTES = ("edited",)
"""Statuses that fail no strict audit: a stage's module was edited, but its VERSION says they stand."""
OWN = ("audit.json", "provenance.json")  # what the audit itself writes
SHOWN = 20
KEYS = (
    *("stage", "version", "parameters", "packages", "sha256", "seconds", "peak_memory_mb", "device", "gpus"),
    *("host", "slurm_job", "started"),
)
KINDS: dict[str, type | UnionType] = {
    "stage": str, "version": int, "parameters": dict, "packages": dict, "seconds": float | int,
    "peak_memory_mb": dict, "job": str, "started": str, "device": str, "host": str,
    "slurm_job": str | None, "gpus": int | None,
}  # fmt: skip
"""What values of a record are, where others than the audit reckon with them."""
MAYBE = ("slurm_job", "gpus")
"""What old records lack."""


@dataclass
class Audit:
    """One walk over a results folder.

    Attributes:
        root: the folder results/<dataset>.
        expected: settings of now, as ``Dag.expected`` gives them; nothing is compared when empty.
        hashes: digest of each path that was read, so that each is read once; None where nothing is.

    """

    root: Path
    expected: dict[str, Any] = field(default_factory=dict)
    hashes: dict[Path, str | None] = field(default_factory=dict)

    @cached_property
    def files(self) -> list[Path]:
        """All files that are no records, hidden or state, nor the audit itself; relative to the root."""
        found = [p.relative_to(self.root) for p in sorted(self.root.rglob("*")) if p.is_file()]
        return [
            p for p in found if not _skipped(p) and not p.name.endswith(records.SUFFIX) and str(p) not in OWN
        ]

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """The record of each output, by the output's path below the root."""
        found = {}
        for path in sorted(self.root.rglob(f"*{records.SUFFIX}")):
            inside = path.relative_to(self.root)
            name = str(inside).removesuffix(records.SUFFIX)
            if not _skipped(inside) and name not in OWN:
                found[name] = _read(path)
        return found

    def digest(self, path: Path) -> str | None:
        """Digest of a file or folder now; None where nothing is."""
        path = path.resolve()
        if path not in self.hashes:
            self.hashes[path] = records.digest(path) if path.exists() else None
        return self.hashes[path]

    def inside(self, recorded: str) -> str | None:
        """Path below the root of a recorded input; None for what lies outside, such as a scene.

        A results folder that was copied elsewhere keeps the paths of its old place: there the part after the
        folder's own name counts.
        """
        path, root = Path(recorded), self.root.resolve()
        if path.resolve().is_relative_to(root):
            return path.resolve().relative_to(root).as_posix()
        if not path.exists() and root.name in path.parts:
            return "/".join(path.parts[path.parts.index(root.name) + 1 :])
        return None

    def producer(self, inside: str) -> str | None:
        """Find the recorded output that is, or holds, a path below the root."""
        path = Path(inside)
        return next((p.as_posix() for p in [path, *path.parents] if p.as_posix() in self.records), None)

    def input(self, recorded: str, digest: str) -> dict[str, Any]:
        """Compare one input's recorded digest with its producer's record and with the file now.

        An input that is gone is no contradiction: scenes move, and temporary outputs are deleted.
        """
        inside = self.inside(recorded)
        made_by = None if inside is None else self.producer(inside)
        now = self.digest(Path(recorded) if inside is None else self.root / inside)
        said = self.records[made_by]["sha256"] if made_by is not None and made_by == inside else digest
        state = "stale" if said != digest or now not in (digest, None) else "ok" if now else "gone"
        return {"path": inside or recorded, "sha256": digest, "made_by": made_by, "state": state}

    def output(self, name: str) -> dict[str, Any]:
        """Judge one recorded output."""
        record = self.records[name]
        inputs = [self.input(path, digest) for path, digest in record["inputs"].items()]
        now = self.digest(self.root / name)
        status = "ok" if now == record["sha256"] else "changed" if now else "missing"
        if status == "ok" and any(i["state"] == "stale" for i in inputs):
            status = "stale"
        why = lineage.outdated(name, record, self.expected)
        if status == "ok" and why:
            status = "outdated"
        if status == "ok" and record.get("code") not in (None, records.stage_code(record["stage"])):
            status = "edited"
        head = {"output": name, "status": status} | ({"why": why} if why else {})
        return head | {k: record.get(k) for k in KEYS} | {"inputs": inputs}

    def orphans(self) -> list[str]:
        """Files that belong to no recorded output."""
        return [p.as_posix() for p in self.files if self.producer(p.as_posix()) is None]

    def run(self) -> dict[str, Any]:
        """Judge everything: counts per status, and an entry per output with its lineage."""
        entries = {name: self.output(name) for name in self.records}
        for name, entry in entries.items():
            before = set(_ancestors(name, entries))
            entry["sources"] = sorted(_sources([name, *before], entries))
            entry["upstream_problems"] = sorted(n for n in before if entries[n]["status"] != "ok")
        orphans = [{"output": name, "status": "orphan"} for name in self.orphans()]
        everything = [*entries.values(), *orphans]
        counts = Counter(e["status"] for e in everything)
        summary = {status: counts[status] for status in ("ok", *PROBLEMS, *NOTES)}
        return {"summary": summary, "cost": lineage.cost(self.records.values()), "outputs": everything}


def problems(audit: dict[str, Any]) -> list[str]:
    """One line per output that is not as recorded."""
    found = [e for e in audit["outputs"] if e["status"] in PROBLEMS]
    return [f"{e['output']} ({e['status']}{': ' + e['why'] if e.get('why') else ''})" for e in found]


def insist(root: Path, audit: dict[str, Any]) -> None:
    """Raise InputError when anything is not as recorded."""
    found = problems(audit)
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        text = f"{len(found)} outputs are not as recorded: {', '.join(found[:SHOWN])}{more}"
        raise InputError(root, text, "Delete them and run again, or set audit.strict to false.")


def _ancestors(name: str, entries: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield every recorded output that went into an output, directly or not."""
    seen, stack = {name}, [name]
    while stack:
        for item in entries[stack.pop()]["inputs"]:
            made_by = item["made_by"]
            if made_by is not None and made_by not in seen:
                seen.add(made_by)
                stack.append(made_by)
                yield made_by


def _sources(names: list[str], entries: dict[str, dict[str, Any]]) -> set[str]:
    """List the inputs of these outputs that no recorded job made: scenes, masks, model folders."""
    return {i["path"] for n in names for i in entries[n]["inputs"] if i["made_by"] is None}


def _skipped(inside: Path) -> bool:
    return inside.parts[0] in SKIPPED_FOLDERS or any(p.startswith(".") for p in inside.parts)


def _read(path: Path) -> dict[str, Any]:
    found, remedy = "not a provenance record", "Delete it with its output and run again"
    with reading(path, found, remedy):
        record = object_of(path, remedy, found)
        for key, kind in KINDS.items():
            if not isinstance(record.get(key) if key in MAYBE else record[key], kind):
                raise TypeError(f"{key} is {record[key]!r}")
        peaks = {str(k): float(v) if v % 1 else int(v) for k, v in record["peak_memory_mb"].items()}
        inputs = {str(path): str(digest) for path, digest in dict(record["inputs"]).items()}
        return record | {"inputs": inputs, "sha256": str(record["sha256"]), "peak_memory_mb": peaks}
