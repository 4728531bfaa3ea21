"""A results folder with everything that the report reads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from landloom.config.report import ReportConfig
from landloom.raster import codec, cog
from landloom.raster.class_map import Grid
from landloom.stages import report
from tests import exports

SOURCE = ["7, 9", "#00ff00", "not 0 in masks/{scene}.tif"]


@dataclass
class World:
    """A results folder with everything that the report reads."""

    root: Path

    def files(self) -> dict[str, list[Path]]:
        names = {
            "tiles": "tiles/*.parquet",
            "captions": "captions/*.parquet",
            "summaries": "captions/*.json",
            "curated": "*/curated/*.parquet",
            "metrics": "**/*.metrics.jsonl",
            "runs": "segment/*/*/*/[0-9]",
            "tables": "evaluation/*.csv",
            "evidence": "evidence/*.csv",
            "scenes": "**/*scene*/*.image.tif",
            "scene_masks": "**/*scene*/*.mask.tif",
        }
        return {k: sorted(self.root.glob(v)) for k, v in names.items()}

    def run(self, folder: str = "report", **more: Any) -> str:
        """Write a page into a folder, from these files or others."""
        given = {"config": ReportConfig(examples=2), "source": SOURCE} | self.files() | more
        out, sheet = self.root / folder, self.root / f"{folder}.png"
        statistics = self.root / "statistics.json"
        report.run(
            dataset="tiny", command="snakemake -c2", statistics=statistics, out=out, sheet=sheet, **given
        )
        return (out / "index.html").read_text()


def build(root: Path) -> World:
    exports.tiles(root / "tiles/a.parquet")
    exports.statistics().save(root / "statistics.json")
    captions(root / "captions")
    exports.curated(root / "landloom/curated/0.parquet")
    runs(root)
    evaluation(root / "evaluation")
    return World(root)


TEXTS = {"a_0_0": "a lake", "a_1_0": "a wood & a <lake>", "a_2_0": "a lake", "a_3_0": "image, 9% water"}


def captions(folder: Path) -> None:
    """Captions of four train tiles by a model; one took the template."""
    folder.mkdir()
    table = {"id": list(TEXTS), "caption": list(TEXTS.values()), "prompt": "map"}
    pd.DataFrame(table).to_parquet(folder / "a.parquet")
    by = {i: "fallback" if t.startswith("image") else "model" for i, t in TEXTS.items()}
    summary = {
        "backend": "openai", "model": "openai tiny {}", "counter": "estimate", "limit": 77, "captions": 4,
        "distinct": 3, "by_model": 3, "by_template": 0, "fallback": 1, "asked_again": 2, "over_limit": 0,
        "usage": {"answers": 6, "input_tokens": 1234, "output_tokens": 56},
        "tiles": {i: {"by": by[i], "tokens": 10 + n} for n, i in enumerate(TEXTS)},
    }  # fmt: skip
    (folder / "a.json").write_text(json.dumps(summary))


def runs(root: Path) -> None:
    """Metrics of all trainings, and test predictions of real-only and mixed segmentation."""
    segments = [f"segment/{g}/net/{s}" for g in ("real/0", "landloom/0.4") for s in (0, 1)]
    for name in ("base.vae", "landloom/label", *segments):
        path = root / f"{name}.metrics.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps({"step": s, "loss": 1 / s, "lr": 0.1}) for s in (1, 2, 100)]
        path.write_text("\n".join([*lines, '{"step": 1']))
    picture = codec.encode(exports.mask(1))
    for name in segments:
        (root / name).mkdir()
        table = pa.table({"id": ["a_4_0", "a_5_0"], "prediction": [picture, picture]})
        pq.write_table(table, root / name / "predictions.parquet")
        real = 8 if "real" in name else 0
        (root / name / "scores.json").write_text(json.dumps({"n_real": real, "n_synthetic": 4}))


def evaluation(folder: Path) -> None:
    folder.mkdir()
    classes = [n for n, _ in exports.CLASSES]
    rows = []
    for generator, ratio, gain in (("real", 0, np.nan), ("landloom", 0.4, 2.34)):
        for i, name in enumerate([*classes, "mean"]):
            iou = 41.23 + i + (0 if np.isnan(gain) else gain)
            spread = (0.5, 3.5)[i % 2]
            rows.append(
                [generator, ratio, "net", ratio / (1 + ratio), name, iou, 0.61, 50.0, 0.5, 2, gain, spread]
            )
    header = "generator,ratio,network,synthetic_share,class,iou_mean,iou_std,f1_mean,f1_std,seeds,"
    header += "difference,difference_std"
    summary = pd.DataFrame(rows, columns=header.split(","))
    summary.to_csv(folder / "summary.csv", index=False)
    mixed = summary[summary["generator"] != "real"]
    ends = {"ci_low": mixed["difference"] - mixed["difference_std"], "ci_high": mixed["difference"] + 1}
    mixed[["generator", "ratio", "network", "class"]].assign(**ends).to_csv(folder / "gain.csv", index=False)
    pd.DataFrame(
        {"generator": "landloom", "class": classes, "cpe": [1.25, 7.75, 3.5], "mcpe": 4.17, "n": 3}
    ).to_csv(folder / "label_ratios.csv", index=False)
    quality = {"generator": ["landloom"], "extractor": "efficientnet_lite0", "fid": 87.654, "kid": 0.0321}
    agreement = {"agreement_synthetic": 0.876, "agreement_real": 0.901, "diversity": 5.5}
    cost = {"n": 3, "n_reference": 8, "train_minutes": 4.2, "device": "cpu (x86_64)"}
    pd.DataFrame(quality | agreement | cost).to_csv(folder / "image_quality.csv", index=False)


def scene(folder: Path, name: str, image: NDArray[Any], mask: NDArray[np.uint8]) -> None:
    """Write a scene as its stages do: image (C, H, W) and class indices (H, W)."""
    folder.mkdir(parents=True, exist_ok=True)
    grid, colors = Grid(*mask.shape, None, None), [c for _, c in exports.CLASSES]
    for kind, values, own in (("image", image, ()), ("mask", mask[None], colors)):
        _write(folder / f"{name}.{kind}.tif", values, grid, own)


def _write(path: Path, values: NDArray[Any], grid: Grid, colors: Sequence[str]) -> None:
    cog.write(path, lambda at: values[:, at.row : at.row + at.height], grid, {}, path.parent, colors)
