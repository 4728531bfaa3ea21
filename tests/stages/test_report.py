"""The report: one page that needs no other file, with the numbers of the tables."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from landloom.__main__ import execute
from landloom.config.report import ReportConfig
from landloom.data import samples
from landloom.raster import codec
from landloom.reporting.captions import read, shown
from landloom.reporting.pictures import Thumbnails
from landloom.stages import report
from tests import exports


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
        }
        return {k: sorted(self.root.glob(v)) for k, v in names.items()}

    def run(self, folder: str = "report") -> str:
        files = self.files()
        out = self.root / folder
        statistics = self.root / "statistics.json"
        report.run(
            ReportConfig(examples=2),
            "tiny",
            "snakemake -c2",
            statistics,
            **files,
            out=out,
            sheet=self.root / f"{folder}.png",
        )
        return (out / "index.html").read_text()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str]:
    """A world and its page: drawing takes seconds, so the tests that only read share one."""
    world = build(tmp_path_factory.mktemp("made") / "results" / "tiny")
    return world, world.run()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build(tmp_path / "results" / "tiny")


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


def test_the_page_needs_no_other_file(made: tuple[World, str]) -> None:
    text = made[1]
    sources = re.findall(r'\b(?:src|srcset|href)="([^"]*)"', text)
    assert sources
    assert all(s.startswith(("data:image/png;base64,", "#")) for s in sources)
    assert "<script" not in text
    assert "url(" not in text
    assert len(text) < 4_000_000


def test_the_page_has_the_numbers(made: tuple[World, str]) -> None:
    text = made[1]
    for number in ("87.65", "0.0321", "0.876", "7.75", "4.17", "41.2", "43.6", "±0.6", "efficientnet_lite0"):
        assert number in text, number
    assert "snakemake -c2" in text
    assert "agreement 0.2000 &lt; 0.5000</figcaption>" in text
    assert "built up" in text
    assert "rare &lt;car&gt;" in text


def test_the_page_shows_captions_and_what_they_took(made: tuple[World, str]) -> None:
    part = made[1].split('id="captions"')[1].split('id="samples"')[0]
    assert part.count("<figure>") == 4
    assert "a wood &amp; a &lt;lake&gt;" in part
    assert "template, in place of the model</b> · 13 tokens · a_3_0" in part
    for fact in ("3 (75 %)", "11.5 / 13 / 77", "1234 / 56", "2 tiles"):
        assert fact in part, fact


def test_a_fallback_is_always_shown(made: tuple[World, str]) -> None:
    world = made[0]
    found = read(list(world.root.glob("captions/*.parquet")), list(world.root.glob("captions/*.json")))
    thumbnails = Thumbnails(exports.statistics(), 16)
    rows = shown(found, sorted(world.root.glob("tiles/*.parquet")), 4, thumbnails)
    assert [r["by"] for r in rows].count("fallback") == 1
    assert len(shown(found, sorted(world.root.glob("tiles/*.parquet")), 2, thumbnails)) == 2


def test_colour_only_where_the_interval_leaves_out_zero(made: tuple[World, str]) -> None:
    text = made[1]
    assert text.count('<em class="up">+2.3 (+1.8 to +3.3)</em>') == 2
    assert text.count('<em class="">+2.3 (−1.2 to +3.3)</em>') == 2


def test_the_sheet_is_a_picture(made: tuple[World, str]) -> None:
    world = made[0]
    with Image.open(world.root / "report.png") as picture:
        assert picture.width > 900
        assert np.asarray(picture.convert("RGB")).std() > 5


def test_two_runs_give_the_same_bytes(made: tuple[World, str]) -> None:
    world, page = made
    assert world.run("again") == page
    assert (world.root / "again.png").read_bytes() == (world.root / "report.png").read_bytes()


def test_a_page_without_results_still_stands(world: World) -> None:
    names = ("metrics", "runs", "tables", "captions", "summaries")
    files = world.files() | {n: [] for n in names}
    shard = world.root / "landloom/curated/0.parquet"
    samples.write(shard, [exports.sample("x", 1, quality=exports.REJECTED)], {"generator": "landloom"})
    statistics, out = world.root / "statistics.json", world.root / "report"
    report.run(ReportConfig(), "tiny", "c", statistics, **files, out=out, sheet=world.root / "report.png")
    text = (out / "index.html").read_text()
    assert "No sample was accepted" in text
    assert "Not measured" in text
    assert "No captions were given" in text


def test_command_line(world: World) -> None:
    arguments = ["--config", "{}", "--dataset", "tiny", "--command", "snakemake -c2"]
    for name, paths in (world.files() | {"metrics": []}).items():
        arguments += [f"--{name}", *map(str, paths)]
    outputs = ["--out", str(world.root / "report"), "--sheet", str(world.root / "report.png")]
    execute("report", [*arguments, "--statistics", str(world.root / "statistics.json"), *outputs])
    assert (world.root / "report/index.html").exists()
    assert (world.root / "report.png.prov.json").exists()


def test_sets_without_real_tiles_are_told(made: tuple[World, str], world: World) -> None:
    assert "hold pairs alone, without a real" in made[1]
    for scores in world.root.glob("segment/*/*/*/*/scores.json"):
        scores.write_text('{"n_real": 8, "n_synthetic": 4}')
    assert "hold pairs alone" not in world.run()


def test_the_evidence_is_shown_where_it_is_given(made: tuple[World, str], world: World) -> None:
    assert "Labels and gains" not in made[1]
    (world.root / "evidence").mkdir()
    head = "labelled,n_real,generator,ratio,network,class,real,gain,low,high,seeds,val_gain,chosen\n"
    rows = "0.125,7,landloom,0.4,net,mean,31.04,6.66,-1.24,9.99,3,1,True\n"
    rows += "0.125,7,landloom,0.2,net,mean,1,77.7,1,1,3,0,False\n"
    both = "0.125,7,landloom,,all,mean,33,5.55,4,6,3,1,True\n"
    (world.root / "evidence/gain.csv").write_text(head + rows + both)
    page = world.run()
    cells = ["12.5 %", "7", "landloom", "net", "0.4", "31.0", "+6.7", "−1.2 to +10.0", "3"]
    assert "".join(f"<td>{c}</td>" for c in cells) in page
    assert "<td>all</td><td>–</td><td>33.0</td><td>+5.5</td>" in page
    assert "77.7" not in page  # val did not choose it
    assert page.count("Line chart: gain in mean IoU") == 1
