"""Maps of scenes become layers of tiles, and of the samples that are made from them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landloom.config.label_sample import LabelSampleConfig
from landloom.config.ratios import RatiosConfig
from landloom.config.tile import TileConfig
from landloom.copy_paste.masks import CutMasks
from landloom.data import map_layer, samples
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.planning.metadata import Wishes
from landloom.ratio_control.choice import Request
from landloom.scenes.discovery import divided
from landloom.stages import label_sample, ratios, tile
from tests import rasters
from tests.raster.test_map_survey import data, row, save


def cut(folder: Path, source: str = "roads.gpkg", names: str = "ab", size: int = 16, **more: Any) -> Path:
    """Tiles of some scenes, as the rule cuts them: it names the files that are there."""
    config = data(folder, source, **more)
    found = {s.name: s for s in divided(config)[0]}
    chosen = [found[n] for n in names]
    images, masks = [p for s in chosen for p in s.images], [s.mask for s in chosen]
    files = [p for n in names if (p := Path(str(folder / source).replace("{scene}", n))).exists()]
    out = folder / f"{names}-{Path(source).stem}-{size}.parquet"
    tile.run(TileConfig(size=size, pad=True), config, list(names), ["train"] * len(names), images, masks, out,
             maps=files, legend=folder / "legend.csv")  # fmt: skip
    return out


def drawn(path: Path) -> dict[str, Any]:
    return {s.id: map_layer.of(s) for s in samples.read(path)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rasters.scenes(tmp_path)
    return tmp_path


def test_each_tile_has_its_part_of_the_map(folder: Path) -> None:
    save(folder / "roads.gpkg", [row("a", 5), row("b", 21)])
    found = drawn(cut(folder))
    assert len(found) == 12
    for name, where in (
        ("a_0_16", (5, True)),
        ("a_16_16", (5, False)),
        ("b_0_0", (5, False)),
        ("b_16_0", (5, True)),
    ):
        road = found[name][0]
        assert road.shape == (16, 16)
        assert (road[4:6] == 254).all() == where[1]
        assert (road == 254).sum() == (32 if where[1] else 0)


def test_the_shard_and_the_dataset_card_name_the_classes(folder: Path) -> None:
    save(folder / "roads.gpkg", [row("a"), row("b")])
    shard = cut(folder)
    assert samples.metadata(shard)["map"] == ["road", "house"]
    out = folder / "statistics.json"
    ratios.run(
        RatiosConfig(), data(folder, split={"val": 0, "test": 0}), "d", [shard], folder / "r.parquet", out
    )
    assert Statistics.load(out).map == ["road", "house"]


def test_without_maps_nothing_says_so(folder: Path) -> None:
    config = rasters.config(folder, split={"val": 0, "test": 0})
    scene = divided(config)[0][0]
    out = folder / "plain.parquet"
    tile.run(TileConfig(size=16), config, ["a"], ["train"], list(scene.images), [scene.mask], out)  # type: ignore[list-item]
    ratios.run(RatiosConfig(), config, "d", [out], folder / "r.parquet", folder / "statistics.json")
    assert "map" not in samples.metadata(out)
    assert '"map"' not in (folder / "statistics.json").read_text()
    assert not any(s.layers for s in samples.read(out))


def test_a_scene_without_a_file_has_no_layer_and_an_empty_one_is_known(folder: Path) -> None:
    save(folder / "maps/a.gpkg", [row("a", 100)])
    found = drawn(cut(folder, "maps/{scene}.gpkg"))
    assert not found["a_0_0"].any()
    assert found["b_0_0"] is None


def test_tiles_outside_of_one_file_for_all_have_no_layer(folder: Path) -> None:
    save(folder / "roads.gpkg", [row("a", 3), row("a", 9)])
    found = drawn(cut(folder))
    assert {n for n, m in found.items() if m is not None} == {"a_0_0", "a_0_16", "a_0_32"}
    assert (found["a_0_0"][:, :2] == 255).all()  # above the first road nothing is known
    assert found["a_0_0"][0, 5:8].sum() == 0


def test_a_tile_that_reaches_out_of_its_scene_has_the_map_out_there_too(folder: Path) -> None:
    save(folder / "roads.gpkg", [row("a", 40)])
    (found,) = drawn(cut(folder, names="a", size=64)).values()
    assert (found[0, 39:41, :49] == 254).all()


def test_the_same_bytes_twice_and_with_more_threads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(folder / "roads.gpkg", [row(s, 3 * i) for i, s in enumerate("abab", 1)])
    first = cut(folder).read_bytes()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert cut(folder).read_bytes() == first


def test_a_scene_that_lies_nowhere_is_refused(folder: Path) -> None:
    rasters.save(folder / "images/z.png", rasters.noise(32, 48))
    rasters.save(folder / "masks/z.png", rasters.halves(32, 48))
    save(folder / "roads.gpkg", [row("a")])
    sources = {"images": f"{folder}/images/{{scene}}.png", "masks": f"{folder}/masks/{{scene}}.png"}
    with pytest.raises(InputError, match="scene 'z': has no place on the Earth, so it has no map"):
        cut(folder, names="z", **sources)


def tiles(folder: Path) -> tuple[Statistics, Path]:
    save(folder / "roads.gpkg", [row("a", 5), row("b", 21)])
    shard = cut(folder)
    out = folder / "statistics.json"
    ratios.run(
        RatiosConfig(), data(folder, split={"val": 0, "test": 0}), "d", [shard], folder / "r.parquet", out
    )
    return Statistics.load(out), shard


def test_masks_of_real_tiles_bring_their_map(folder: Path) -> None:
    _, shard = tiles(folder)
    rows = list(samples.read(shard))
    wanted = [
        {"id": f"{i}", "caption": "", "seed": i, "target_ratios": r.ratios, "mix": "m"}
        for i, r in enumerate(rows)
    ]
    wish = Wishes(LabelSampleConfig().metadata)
    made = list(label_sample.taken(wanted, rows, "g", wish))
    assert [m.layers for m in made] == [r.layers for r in rows]
    odd = Sample("x", layers=[*rows[0].layers, *rows[0].layers[:0]], ratios=[1, 0])
    odd.layers.append(type(rows[0].layers[0])("known_where", b""))
    (kept,) = label_sample.taken(wanted[:1], [odd], "g", wish)
    assert [la.name for la in kept.layers] == ["map"]  # what is known of the tile's own image goes


@pytest.mark.parametrize("source", ["quilt", "paste"])
def test_masks_put_together_have_maps_put_together(folder: Path, source: str) -> None:
    """Where a map is drawn from the class of the mask, it still fits the mask after quilting."""
    dataset, shard = tiles(folder)
    rows = list(samples.read(shard))
    for r in rows:
        own = r.mask_array()
        r.layers = map_layer.layers(np.stack([own, own]) * np.uint8(100))
    samples.write(shard, rows, samples.metadata(shard))
    draw = CutMasks(dataset, [shard], source)
    asked = [
        Request(np.array([s, 1 - s]), np.array([s, 1 - s]), "", i) for i, s in enumerate((0.2, 0.5, 0.8))
    ]
    for found in draw(asked, 0):
        (layer,) = found.layers
        np.testing.assert_array_equal(layer.array(), np.stack([found.mask] * 2) * np.uint8(100))
