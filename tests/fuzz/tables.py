"""Shards, tables and texts: Parquet, CSV, JSON, YAML and lists of objects."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from landloom.captioning.bank import CaptionBank
from landloom.captioning.store import Store
from landloom.config import load
from landloom.data import sample_index, samples
from landloom.data.statistics import Statistics
from landloom.objects import scene_objects
from landloom.orchestration import config_files, recorded_jobs
from landloom.planning import goals
from landloom.provenance import lineage
from landloom.provenance.audit import Audit
from landloom.raster import block_shares, map_legend
from landloom.raster.class_map import Grid
from landloom.reporting import captions
from landloom.scenes import discovery, manifest
from tests import maps, rasters, shards, tiny
from tests.fuzz.target import Target
from tests.objects import lists

MANIFEST = """scene,image,mask,split,acquired,cloud,lon,lat,place
a,images/a.tif,masks/a.tif,train,2020-05-01,0.1,12.5,45.1,x
b,images/b.tif,masks/b.tif,val,2020-06-01,,,,y
"c, d",images/c.tif,masks/c.tif,test,,,,,
"""


def _shards(folder: Path) -> None:
    shards.tiles(folder, train=3, val=1, test=1)
    sample_index.write(folder / "mix.parquet", sample_index.located([folder / "train.parquet"]), {})


def _shards_read(folder: Path) -> None:
    path = folder / "train.parquet"
    samples.metadata(path), samples.totals(path)
    samples.columns([path], ["id", "split", "ratios", "quality"])
    for sample in samples.read(path):
        sample.image_array(), sample.mask_array(), sample.trust_array()
    list(samples.pick([path], [0, 2]))


def _index_read(folder: Path) -> None:
    sample_index.read(folder / "mix.parquet", [folder / "train.parquet"])


def _words(folder: Path) -> None:
    pd.DataFrame({"id": ["a", "b"], "caption": ["wood", "=1+1"]}).to_parquet(folder / "captions.parquet")
    tokens = {"read": 3, "written": 2}
    body = {"model": "m", "tiles": {"a": {"by": "template"}}, "usage": tokens}
    (folder / "captions.json").write_text(json.dumps(body))
    row = {"key": "k", "text": "t", "read": 1, "written": 2, "complete": True}
    (folder / "answers.txt").write_text(json.dumps(row) + "\n" + json.dumps(row | {"key": "l"}) + "\n")


def _words_read(folder: Path) -> None:
    CaptionBank([folder / "captions.parquet"], ["a", "b"], np.eye(2)).draw(np.eye(2)[0], 0)
    captions.read([folder / "captions.parquet"], [folder / "captions.json"])
    Store(folder / "answers.txt")


def _mixes(suffix: str, folder: Path) -> None:
    frame = pd.DataFrame({"a": [0.2, 0.5], "b": [0.8, 0.25], "c": [0.0, 0.25]})
    frame.to_csv(folder / "mixes.csv", index=False) if suffix == ".csv" else frame.to_parquet(
        folder / "mixes.parquet"
    )


def _mixes_read(folder: Path) -> None:
    (path,) = folder.glob("mixes.*")
    goals.from_file(path, True, ["a", "b", "c"], 32)


def _manifest(folder: Path) -> None:
    (folder / "scenes.csv").write_text(MANIFEST)
    rows = [{"scene": n, "image": f"{n}.tif", "mask": f"{n}m.tif", "split": "train"} for n in "ab"]
    features = [{"type": "Feature", "geometry": None, "properties": r} for r in rows]
    (folder / "scenes.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def _manifest_read(suffix: str, folder: Path) -> None:
    path = folder / f"scenes{suffix}"
    list(manifest.entries(path))
    discovery.divided(rasters.config(folder, manifest=str(path)))


def _blocks(folder: Path) -> None:
    rows = [f"{r},{c},0.25,0.75" for r in range(2) for c in range(2)]
    (folder / "shares.csv").write_text("\n".join(["row,col,a,b", *rows]) + "\n")
    maps.legend(folder)


def _blocks_read(folder: Path) -> None:
    block_shares.read(folder / "shares.csv", Grid(32, 32, None, None), ["a", "b"], 16)


def _legend_read(folder: Path) -> None:
    map_legend.read(folder / "legend.csv")


def _config(folder: Path) -> None:
    (folder / "config.yaml").write_text(yaml.safe_dump(tiny.CONFIG))
    (folder / "config.json").write_text(json.dumps(tiny.CONFIG))


def _config_read(suffix: str, folder: Path) -> None:
    load(config_files.read([folder / f"config{suffix}"]))


def _statistics_read(folder: Path) -> None:
    Statistics.load(folder / "dataset.json")


def _records(folder: Path) -> None:
    for name, inputs in (("a.json", {}), ("b.json", {"results/tiny/a.json": "0" * 64})):
        (folder / name).write_text("{}")
        body: dict[str, Any] = {
            "output": name, "sha256": "0" * 64, "stage": "tile", "version": 1, "inputs": inputs,
            "parameters": {"config": {"size": 32}}, "packages": {"numpy": "2"},
            "command": "python -m landloom tile --config '{\"size\": 32}'",
            "device": "cpu", "host": "h", "slurm_job": None, "gpus": 0, "job": name, "code": "", "phases": {},
            "started": "2025-01-01T00:00:00Z", "seconds": 1.5, "peak_memory_mb": {"cpu": 100},
        }  # fmt: skip
        (folder / f"{name}.prov.json").write_text(json.dumps(body, indent=1))


def _records_read(folder: Path) -> None:
    """As the audit, the cost and the next run read records."""
    audit = Audit(folder)
    found = [audit.output(name) for name in audit.records]
    lineage.cost(audit.records.values())
    for path in folder.glob("*.prov.json"):
        recorded_jobs._read(path)
    assert len(found) == 2


def _objects(folder: Path) -> None:
    rows = [{"id": i, "image_id": 7, "category_id": 1 + i % 2, "bbox": [4 * i, 5, 9, 6]} for i in range(3)]
    rows[1] |= {"segmentation": [[4, 5, 13, 5, 13, 11, 4, 11]], "iscrowd": 0}
    rows[2] |= {"segmentation": {"size": [100, 200], "counts": [50, 20, 19930]}, "iscrowd": 1}
    body = {
        "images": [{"id": 7, "file_name": "a.tif", "width": 200, "height": 100}],
        "categories": [{"id": i + 1, "name": n} for i, n in enumerate(lists.NAMES)],
        "annotations": rows,
    }
    (folder / "all.json").write_text(json.dumps(body))
    dota = "imagesource:x\ngsd:0.1\n10 10 30 10 30 20 10 20 ship 0\n50 50 80 50 80 70 50 70 plane 1\n"
    (folder / "dota.txt").write_text(dota)
    (folder / "yolo.txt").write_text("0 0.5 0.5 0.1 0.2\n1 0.25 0.25 0.1 0.1\n")
    (folder / "yolo-obb.txt").write_text("0 0.1 0.1 0.3 0.1 0.3 0.2 0.1 0.2\n")


def _coco_read(folder: Path) -> None:
    path = folder / "all.json"
    for kind in ("rotated", "horizontal"):
        scene_objects.of(lists.view(), lists.config("coco", path, kind=kind), path)


def _text_read(folder: Path) -> None:
    for form in ("dota", "yolo", "yolo-obb"):
        config = lists.config(form, folder / "{scene}.txt")
        scene_objects.of(lists.view(), config, folder / f"{form}.txt")


TARGETS = [
    Target("Parquet", "shard", ("train.parquet",), _shards, _shards_read, 12),
    Target("Parquet", "index of a mix", ("mix.parquet",), _shards, _index_read, 4),
    Target("Parquet", "captions", ("captions.parquet",), _words, _words_read, 4),
    Target("Parquet", "class mixes", ("mixes.parquet",), partial(_mixes, ".parquet"), _mixes_read, 4),
    Target("CSV", "class mixes", ("mixes.csv",), partial(_mixes, ".csv"), _mixes_read, 3),
    Target("CSV", "manifest", ("scenes.csv",), _manifest, partial(_manifest_read, ".csv"), 5),
    Target("CSV", "shares of blocks", ("shares.csv",), _blocks, _blocks_read, 3),
    Target("CSV", "legend", ("legend.csv",), _blocks, _legend_read, 3),
    Target("JSON", "manifest", ("scenes.geojson",), _manifest, partial(_manifest_read, ".geojson"), 4),
    Target("JSON", "captions", ("captions.json", "answers.txt"), _words, _words_read, 3),
    Target("JSON", "statistics", ("dataset.json",), shards.statistics, _statistics_read, 3),
    Target("JSON", "records", ("*.prov.json",), _records, _records_read, 5),
    Target("JSON", "config", ("config.json",), _config, partial(_config_read, ".json"), 2),
    Target("COCO", "objects", ("all.json",), _objects, _coco_read, 8),
    Target("DOTA, YOLO", "objects", ("*.txt",), _objects, _text_read, 6),
    Target("YAML", "config", ("config.yaml",), _config, partial(_config_read, ".yaml"), 6),
]
