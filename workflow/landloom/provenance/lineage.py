"""What records tell together: what is out of date, what it cost, and the whole history in W3C PROV."""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from landloom.cluster import accounting
from landloom.runtime import registry as stages

Record = Mapping[str, Any]


def key(output: str, stage: str, expected: Mapping[str, Any]) -> str:
    """Under which name the settings of an output's job are expected."""
    parts = PurePosixPath(output).parts
    candidates = [f"{parts[3]}/{stage}"] if stage in ("segment", "detect") and len(parts) > 3 else []
    if stage == "scene_mask":
        candidates = [f"scene_masks/{parts[-1].rsplit('.', 2)[0]}/{stage}"]
    if stage == "scene_sample":
        name = parts[-2] if "scene_parts" in parts else parts[-1].rsplit(".", 2)[0]
        candidates = [f"scenes/{name}/{stage}"]
    # A generator of the label table has two parts: label_table/<name>.
    candidates += [f"{'/'.join(parts[:n])}/{stage}" for n in (2, 1)]
    return next((c for c in candidates if c in expected), stage)


def outdated(output: str, record: Record, expected: Mapping[str, Any]) -> str | None:
    """Why an output is not what the settings and stages of now would make; None when it is."""
    stage = record["stage"]
    if stage in stages.names() and record["version"] != stages.version(stage):
        return f"made by VERSION {record['version']} of {stage}, which is {stages.version(stage)} now"
    settings = expected.get(key(output, stage, expected))
    if settings is None:
        return None
    was = record["parameters"].get("config")
    changes = list(_differences(was, settings, stage))
    return "; ".join(changes[:5]) or None


def _differences(was: Any, now: Any, name: str) -> Iterable[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        for k in sorted(was):  # keys that came since then are VERSION's business
            yield from _differences(was[k], now.get(k), f"{name}.{k}")
    elif was != now:
        yield f"{name} was {was!r} and is {now!r}"


def jobs(records: Iterable[Record]) -> list[Record]:
    """One record per job, whatever the number of its outputs."""
    return list({r["job"]: r for r in records}.values())


def cost(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Per stage: jobs, hours, GPU hours and peak memory of attempts that finished; on SLURM hours waited."""
    records = list(records)
    waited = accounting.waits(sorted({r["slurm_job"] for r in records if r.get("slurm_job")}))
    rows: dict[str, dict[str, Any]] = {}
    for r in jobs(records):
        row = rows.setdefault(r["stage"], {"stage": r["stage"], "jobs": 0, "hours": 0.0, "gpu_hours": 0.0})
        hours = r["seconds"] / 3600
        row["jobs"] += 1
        row["hours"] += hours
        row["gpu_hours"] += hours * (r.get("gpus") or 0)
        if r.get("slurm_job") in waited:
            row["wait_hours"] = round(row.get("wait_hours", 0.0) + waited[r["slurm_job"]], 6)
        for device, peak in r["peak_memory_mb"].items():
            name = f"peak_{device}_mb"
            row[name] = max(row.get(name, 0), peak)
    for row in rows.values():
        row.update({k: round(row[k], 6) for k in ("hours", "gpu_hours")})
    return sorted(rows.values(), key=lambda row: -row["hours"])


def prov(records: Mapping[str, Record]) -> dict[str, Any]:
    """The history as PROV-JSON (W3C member submission of 2013): entities are files, activities are jobs."""
    document: dict[str, dict[str, Any]] = {
        "prefix": {"file": "urn:landloom:file:", "job": "urn:landloom:job:", "landloom": "urn:landloom:"},
        "entity": {}, "activity": {}, "agent": {}, "used": {}, "wasGeneratedBy": {}, "wasAssociatedWith": {},
    }  # fmt: skip
    for output, record in sorted(records.items()):
        job = f"job:{record['stage']}-{record['job']}"
        document["entity"][f"file:{output}"] = {"landloom:sha256": record["sha256"]}
        document["activity"][job] = _activity(record)
        document["wasGeneratedBy"][f"_:made-{output}"] = {
            "prov:entity": f"file:{output}",
            "prov:activity": job,
        }
        for path, digest in record["inputs"].items():
            entity = f"file:{_inside(path, records)}"
            document["entity"].setdefault(entity, {"landloom:sha256": digest})
            document["used"][f"_:used-{record['job']}-{path}"] = {"prov:activity": job, "prov:entity": entity}
        for name, version in record["packages"].items():
            agent = f"landloom:package/{name}/{version}"
            document["agent"][agent] = {
                "prov:type": {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"}
            }
            link = {"prov:activity": job, "prov:agent": agent}
            document["wasAssociatedWith"][f"_:with-{record['job']}-{name}"] = link
    return document


def _activity(record: Record) -> dict[str, Any]:
    about = {
        "prov:startTime": record["started"],
        "landloom:stage": record["stage"],
        "landloom:version": record["version"],
        "landloom:seconds": record["seconds"],
        "landloom:device": record["device"],
        "landloom:host": record["host"],
        "landloom:gpus": record.get("gpus") or 0,
    }
    return about | ({"landloom:slurm_job": record["slurm_job"]} if record.get("slurm_job") else {})


def _inside(path: str, records: Mapping[str, Record]) -> str:
    """Path of an input below the results folder, where it is an output of another job."""
    parts = PurePosixPath(path).parts
    tails = ("/".join(parts[i:]) for i in range(len(parts)))
    return next((t for t in tails if t in records), path)
