import json
from pathlib import Path

import pandas as pd

from landloom.config.caption import CaptionConfig
from landloom.data import samples
from landloom.stages import caption
from tests.data.test_statistics import statistics


def run(folder: Path, tiles: list[samples.Sample]) -> pd.DataFrame:
    statistics([0], [1]).save(folder / "statistics.json")
    samples.write(folder / "tiles.parquet", tiles)
    outputs = folder / "out.parquet", folder / "out.json"
    caption.run(
        CaptionConfig(), folder / "statistics.json", folder / "tiles.parquet", folder / "state", *outputs
    )
    return pd.read_parquet(folder / "out.parquet")


def test_each_tile_gets_a_caption_and_a_prompt(tmp_path: Path) -> None:
    tiles = [
        samples.Sample(id="x", mask=b"", ratios=[0.2, 0.8]),
        samples.Sample(id="y", mask=b"", ratios=[1, 0]),
    ]
    assert run(tmp_path, tiles).to_dict("list") == {
        "id": ["x", "y"],
        "caption": ["satellite image, 80% b, 20% a", "satellite image, 100% a"],
        "prompt": ["segmentation map, 80% b, 20% a", "segmentation map, 100% a"],
    }


def test_the_summary_counts_captions_and_tokens(tmp_path: Path) -> None:
    run(tmp_path, [samples.Sample(id=i, mask=b"", ratios=[0.25, 0.75]) for i in "xy"])
    found = json.loads((tmp_path / "out.json").read_text())
    assert (found["captions"], found["distinct"], found["over_limit"]) == (2, 1, 0)
    # start, end, satellite (9 letters: 3), image (2), comma, 75% b, comma, 25% a
    assert found["tiles"] == {i: {"by": "template", "tokens": 2 + 3 + 2 + 1 + 4 + 1 + 4} for i in "xy"}


def test_an_empty_shard_gives_an_empty_table(tmp_path: Path) -> None:
    table = run(tmp_path, [])
    assert (len(table), table.columns.tolist()) == (0, ["id", "caption", "prompt"])


def test_tiles_without_labels_get_no_words(tmp_path: Path) -> None:
    tiles = [samples.Sample(id="x", mask=b"", ratios=[0, 1]), samples.Sample(id="u", split="unlabelled")]
    table = run(tmp_path, tiles)
    assert (table["caption"] == "").tolist() == (table["prompt"] == "").tolist() == [False, True]
