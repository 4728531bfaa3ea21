"""Which samples, tiles, predictions and losses the report shows."""

import json
from pathlib import Path

from landloom.reporting import gather, labels
from landloom.reporting.gather import Entry
from tests import exports


def entry(name: str, target: list[float] | None = None) -> Entry:
    return Entry(name, Path("x"), "g", "m", None, [0.1, 0.9, 0.0], target)


def test_the_draw_does_not_depend_on_order() -> None:
    items = [entry(f"s{i}") for i in range(20)]
    drawn = gather.pick(items, 5)
    assert len(drawn) == 5
    assert gather.pick(items[::-1], 5) == drawn


def test_the_nearest_tile_ignores_free_classes(tmp_path: Path) -> None:
    path = exports.tiles(tmp_path / "a.parquet")
    tiles = gather.RealTiles([path])
    assert len(tiles.keys) == 4  # never a val or test tile
    wanted = [float(s) for s in tiles.shares[2]]
    assert tiles.nearest(entry("x", [*wanted[:2], float("nan")])) == (path, "a_2_0")


def test_a_reason_is_shown_in_words() -> None:
    refused = Entry("x", Path("x"), "g", "m", exports.REJECTED, [], None)
    assert not refused.accepted
    assert refused.reason == "agreement 0.2000 < 0.5000"


def test_only_the_first_seed_of_a_segmentation_is_drawn(tmp_path: Path) -> None:
    paths = []
    for name in ("surreal/0.4/net/1", "surreal/0.4/net/0", "real/0/net/0"):
        path = tmp_path / "segment" / f"{name}.metrics.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"step": 1, "loss": len(name)}) + '\n{"st')
        paths.append(path)
    (panel,) = gather.curves(paths, "tiny").values()
    assert list(panel) == ["real only", "surreal 0.4"]


def test_class_shares_in_words_have_the_largest_first() -> None:
    assert labels.mix(["a", "b", "c"], [0.25, 0.751, 0]) == "b 75 %, a 25 %"
