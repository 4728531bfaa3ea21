"""The export stage: what it writes besides the formats, and what it refuses."""

import json
from pathlib import Path

import pytest
import rasterio

from landloom.__main__ import execute
from landloom.config.export import ExportConfig
from landloom.data import samples
from landloom.errors import InputError
from landloom.exporting.collection import PIECES
from landloom.runtime import command_line
from landloom.stages import export
from tests import exports


def run(tmp_path: Path, config: ExportConfig) -> Path:
    exports.statistics().save(tmp_path / "statistics.json")
    shard = exports.curated(tmp_path / "curated.parquet")
    export.run(config, "tiny", tmp_path / "statistics.json", [shard], tmp_path / "out")
    return tmp_path / "out"


def test_dataset_json_answers_the_questions(tmp_path: Path) -> None:
    found = json.loads((run(tmp_path, ExportConfig(license="CC-BY-4.0")) / "dataset.json").read_text())
    assert found["generator"] == "landloom"
    assert found["samples"] == {"accepted": 3, "rejected": {"agreement": 1}}
    assert found["seeds"] == {"landloom-0": 100, "landloom-1": 101, "landloom-2": 102}
    assert found["license"] == "CC-BY-4.0"
    assert found["class_ratios"]["real_train"] == {"water": 0.5, "built up": 0.2, "forest": 0.3}
    assert found["class_ratios"]["asked"]["built up"] == pytest.approx(0.5)
    assert sum(found["class_ratios"]["synthetic"].values()) == pytest.approx(1, abs=1e-5)
    assert found["made_from_real_tiles"] == 1
    assert found["parents"] == {"landloom-0": ["a_0_0"]}
    assert found["reference"]["tiles"]["train"] == 4
    assert found["versions"]["landloom"]


def test_card_says_that_nothing_was_observed(tmp_path: Path) -> None:
    text = (run(tmp_path, ExportConfig()) / "README.md").read_text()
    assert text.startswith("---\nlicense: other\n")
    assert "synthetic" in text
    assert "| 1 | built up | `#d62728` | 20.00 | 50.00 |" in text


def test_pieces_of_real_tiles_are_said_to_be_such_in_every_format(tmp_path: Path) -> None:
    exports.statistics().save(tmp_path / "statistics.json")
    shard = exports.curated(tmp_path / "curated.parquet")
    samples.write(shard, list(samples.read(shard)), {"generator": "landloom", "collage": 0.1})
    out = tmp_path / "out"
    export.run(
        ExportConfig(formats=["geotiff", "coco", "stac"]), "tiny", tmp_path / "statistics.json", [shard], out
    )
    assert json.loads((out / "dataset.json").read_text())["statement"] == PIECES
    assert "licence of those tiles" in (out / "README.md").read_text()
    assert "no pixel is" not in (out / "README.md").read_text()
    with rasterio.open(out / "geotiff/images/landloom-0.tif") as file:
        assert file.tags()["TIFFTAG_IMAGEDESCRIPTION"] == PIECES
        assert file.tags()["LANDLOOM_PARENTS"] == "a_0_0"
    assert PIECES in (out / "coco/annotations.json").read_text()
    assert PIECES.capitalize() in (out / "stac/catalog.json").read_text()
    items = [json.loads(p.read_text())["properties"] for p in sorted((out / "stac/items").glob("*.json"))]
    assert {i["description"] for i in items} == {PIECES}
    assert [i["landloom:parents"] for i in items] == [["a_0_0"], [], []]


def test_a_format_brings_the_files_it_points_to(tmp_path: Path) -> None:
    out = run(tmp_path, ExportConfig(formats=["stac"]))
    assert (out / "geotiff/images/landloom-0.tif").exists()
    assert not (out / "coco").exists()
    assert not (out / "imagefolder").exists()


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        run(tmp_path / name, ExportConfig())
    first, second = (_bytes(tmp_path / n) for n in ("a", "b"))
    assert first == second


def test_nothing_accepted_is_an_error(tmp_path: Path) -> None:
    exports.statistics().save(tmp_path / "statistics.json")
    shard = tmp_path / "c.parquet"
    samples.write(shard, [exports.sample("x", 1, quality=exports.REJECTED)], {"generator": "g"})
    with pytest.raises(InputError, match="no sample was accepted"):
        export.run(ExportConfig(), "tiny", tmp_path / "statistics.json", [shard], tmp_path / "out")


def test_command_line(tmp_path: Path) -> None:
    exports.statistics().save(tmp_path / "statistics.json")
    shard = exports.curated(tmp_path / "curated.parquet")
    files = [
        "--statistics",
        str(tmp_path / "statistics.json"),
        "--curated",
        str(shard),
        "--out",
        str(tmp_path / "out"),
    ]
    execute("export", ["--config", "{}", "--dataset", "tiny", *files])
    assert (tmp_path / "out/dataset.json").exists()
    assert (tmp_path / "out.prov.json").exists()
    assert [p.name for p in command_line.parameters(export.run)] == [
        "config", "dataset", "statistics", "curated", "out", "min_trust",
    ]  # fmt: skip


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "a/b", ".hidden", ".."])
def test_an_id_that_is_no_name_of_a_file_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="its id cannot be the name of a file"):
        export.require_name(name)
    export.require_name("s000001")
    export.require_name("scene~20a_0_32")
