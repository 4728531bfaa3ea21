"""The report: one page that needs no other file, with the numbers of the tables."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from landloom.__main__ import execute
from landloom.config.report import ReportConfig
from landloom.data import samples
from landloom.reporting import figures, page, pictures
from landloom.reporting.captions import read, shown
from landloom.reporting.display import Display
from landloom.reporting.pictures import Thumbnails
from tests import exports
from tests.report_world import SOURCE, World, build, scene


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str]:
    """A world and its page: drawing takes seconds, so the tests that only read share one."""
    world = build(tmp_path_factory.mktemp("made") / "results" / "tiny")
    return world, world.run()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build(tmp_path / "results" / "tiny")


def test_the_page_needs_no_other_file(made: tuple[World, str]) -> None:
    text = made[1]
    sources = re.findall(r'\b(?:src|srcset|href)="([^"]*)"', text)
    assert sources
    assert all(re.match(r"data:image/(png|jpeg);base64,|data:,$|#", s) for s in sources)
    assert text.count("<script>") == 1
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
    thumbnails = Thumbnails(Display(exports.statistics()), 16)
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
    text = world.run(config=ReportConfig(), **files)
    assert "No sample was accepted" in text
    assert "Not measured" in text
    assert "No captions were given" in text


def test_command_line(world: World) -> None:
    arguments = ["--config", "{}", "--dataset", "tiny", "--command", "snakemake -c2", "--source", *SOURCE]
    for name, paths in (world.files() | {"metrics": []}).items():
        arguments += [f"--{name.replace('_', '-')}", *map(str, paths)]
    outputs = ["--out", str(world.root / "report"), "--sheet", str(world.root / "report.png")]
    execute("report", [*arguments, "--statistics", str(world.root / "statistics.json"), *outputs])
    assert (world.root / "report/index.html").exists()
    assert (world.root / "report.png.prov.json").exists()


def test_sets_without_real_tiles_are_told(made: tuple[World, str], world: World) -> None:
    assert "hold pairs alone, without a real" in made[1]
    for scores in world.root.glob("segment/*/*/*/*/scores.json"):
        scores.write_text('{"n_real": 8, "n_synthetic": 4}')
    assert "hold pairs alone" not in world.run()


@pytest.mark.parametrize(("count", "words"), [(1, "<p>1 scene, cut into"), (3, "<p>3 scenes, cut into")])
def test_one_scene_is_a_scene(world: World, count: int, words: str) -> None:
    path = world.root / "statistics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"scenes": count}))
    assert words in world.run()


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


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts take most of the time of a page."""
    monkeypatch.setattr(figures, "chart", lambda *_: figures.Chart("data:,", "data:,", "no chart"))


def test_scenes_are_as_fine_as_the_page_has_room(
    world: World, monkeypatch: pytest.MonkeyPatch, no_charts: None
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 900, 800)).astype(np.uint8)
    scene(world.root / "scene_masks", "east", image, image[0] % 3)
    whole = world.run("whole")
    assert "All pixels are here." in whole
    monkeypatch.setattr(page, "LIMIT", len(whole.encode()))
    small = world.run("small")
    assert len(small) < len(whole)
    assert "Here down to 400 × 450 pixels" in small
    assert f"{world.root}/scene_masks/east.image.tif</code>" in small


def test_pictures_are_smaller_where_the_page_would_be_too_large(
    world: World, monkeypatch: pytest.MonkeyPatch, no_charts: None, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pictures, "LEAST", 1)
    monkeypatch.setattr(page, "PICTURES", 10_000)  # ten pixels for each side; the tiles have sixteen
    monkeypatch.setattr(page, "MARGIN", 0)
    large = world.run("large")
    monkeypatch.setattr(page, "LIMIT", len(large.encode()))
    small = world.run("small")
    assert len(small) < len(large)
    assert "warning" not in capsys.readouterr().err
    monkeypatch.setattr(page, "LIMIT", 1000)
    world.run("never")
    assert "warning: the page has 0 MB; show less" in capsys.readouterr().err


def test_without_scenes_there_is_no_section_of_them(made: tuple[World, str]) -> None:
    assert 'id="scenes"' not in made[1]
    assert "#scenes" not in made[1]
