import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from landloom.config.curate import CurateConfig
from landloom.config.features import FeaturesConfig
from landloom.data import kept_pixels, samples
from landloom.data.quality import accepted, judged, score
from landloom.data.samples import Requested
from landloom.errors import InputError
from landloom.metrics import extractors
from landloom.raster import codec
from landloom.segmentation.curation import Norms
from landloom.stages import curate, features
from tests import shards
from tests.features import Means
from tests.stages.test_segment import train

OFF = {"quantile": 0}
"""No memorisation audit: eight tiles calibrate it poorly."""
FEATURES = FeaturesConfig()


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A segmenter trained on real tiles."""
    return train(tmp_path_factory.mktemp("judge"), "run", steps=30)


@pytest.fixture(autouse=True)
def means(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mean colours as features."""
    monkeypatch.setattr(extractors, "load", lambda *given: Means())


def curated(folder: Path, judge: Path, pairs: Path, **config: Any) -> list[samples.Sample]:
    """Run the stage; returns its rows."""
    out = folder / "curated.parquet"
    given, tiles = CurateConfig.model_validate(config), shards.tiles(folder)
    curate.run(given, FEATURES, shards.statistics(folder), pairs, tiles, judge, known(folder, tiles), out)
    assert samples.metadata(out)["generator"] == samples.metadata(pairs)["generator"]
    return list(samples.read(out))


def known(folder: Path, tiles: list[Path]) -> list[Path]:
    """Features of the train tiles, a file per shard."""
    (folder / "features").mkdir(exist_ok=True)
    found = [folder / "features" / f"{p.stem}.safetensors" for p in tiles]
    for shard, out in zip(tiles, found, strict=True):
        features.run(FEATURES, shards.statistics(folder), shard, out)
    return found


def planted(folder: Path) -> Path:
    """A pair with a true mask, one with a false block in it, and one with a mask of something else."""
    rng = np.random.default_rng(7)
    good = shards.sample("good", rng, source="g", request=Requested("real"))
    part = shards.sample("part", rng, source="g")
    labels = part.mask_array().copy()
    labels[8:24, 8:24] = (labels[8:24, 8:24] + 1) % 3
    part.mask = codec.encode(labels)
    bad = shards.sample("bad", rng, source="g")
    bad.mask = codec.encode((bad.mask_array() + 1) % np.uint8(3))
    samples.write(folder / "g.parquet", [good, part, bad], {"generator": "g"})
    return folder / "g.parquet"


def test_wrong_masks_get_low_trust(tmp_path: Path, judge: Path) -> None:
    good, part, bad = curated(tmp_path, judge, planted(tmp_path), min_agreement=0.5, memory=OFF)
    assert good.trust_array().mean() > 200
    assert bad.trust_array().mean() < 120
    trust = part.trust_array().astype(float)
    outside = np.ones(trust.shape, bool)
    outside[8:24, 8:24] = False
    assert trust[8:24, 8:24].mean() < 0.5 * trust[outside].mean()


def test_verdicts_are_fields_and_no_row_is_lost(tmp_path: Path, judge: Path) -> None:
    good, part, bad = curated(tmp_path, judge, planted(tmp_path), min_agreement=0.5, memory=OFF)
    assert good.request == Requested("real")
    assert bad.quality is not None
    assert bad.quality.details[0].startswith("agreement 0.")
    assert [accepted(s.quality) for s in (good, part, bad)] == [True, True, False]
    good_share, part_share, bad_share = (score(s.quality, "agreement") for s in (good, part, bad))
    assert good_share > part_share > bad_share


def test_the_judges_norms_are_part_of_the_verdict(tmp_path: Path, judge: Path) -> None:
    good, _, bad = curated(tmp_path, judge, planted(tmp_path), min_relative=0.8, memory=OFF)
    assert accepted(good.quality)
    assert score(good.quality, "relative") == pytest.approx(1, abs=0.15)
    assert bad.quality.reasons == ["agreement for its classes"]


def test_a_class_the_judge_never_gets_right_is_not_held_against_a_pair(
    tmp_path: Path, judge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Norms, "of", lambda scores: Norms(np.full(3, 0.5), np.zeros(3)))
    rows = curated(tmp_path, judge, planted(tmp_path), min_relative=0.8, memory=OFF)
    assert [score(s.quality, "relative") for s in rows] == [1, 1, 1]
    assert all(accepted(s.quality) for s in rows)


def test_a_copy_of_a_train_tile_is_caught_and_a_new_image_is_not(tmp_path: Path, judge: Path) -> None:
    rng = np.random.default_rng(11)
    tile = next(samples.read(shards.tiles(tmp_path)[0]))
    noisy = np.clip(tile.image_array() + rng.normal(0, 3, (3, 32, 32)), 0, 255).astype(np.uint8)
    copy, new = tile, shards.sample("new", rng, source="g")
    copy.id, copy.source, copy.image = "copy", "g", codec.encode(noisy)
    samples.write(tmp_path / "g.parquet", [copy, new], {"generator": "g"})
    copy, new = curated(tmp_path, judge, tmp_path / "g.parquet")
    assert copy.quality.reasons == ["copy of a real tile"]
    assert copy.quality.nearest == "train0"
    assert accepted(new.quality)
    copy, _ = curated(tmp_path, judge, tmp_path / "g.parquet", memory=OFF)
    assert accepted(copy.quality)


def test_an_unreal_image_has_little_realism(tmp_path: Path, judge: Path) -> None:
    rng = np.random.default_rng(12)
    good, odd = (shards.sample(n, rng, source="g") for n in ("good", "odd"))
    odd.image = codec.encode(np.full((3, 32, 32), 255, np.uint8))
    samples.write(tmp_path / "g.parquet", [good, odd], {"generator": "g"})
    good, odd = curated(tmp_path, judge, tmp_path / "g.parquet", min_realism=0.3)
    assert accepted(good.quality)
    assert "realism" in odd.quality.reasons
    good, odd = curated(tmp_path, judge, tmp_path / "g.parquet", min_realism=0.3, memory=OFF)
    assert (accepted(good.quality), odd.quality.reasons) == (True, ["realism"])


def test_what_evaluate_needs_is_in_the_metadata(tmp_path: Path, judge: Path) -> None:
    curated(tmp_path, judge, planted(tmp_path))
    about = samples.metadata(tmp_path / "curated.parquet")
    assert np.sum(about["confusion"]) == 3 * 32 * 32
    found = json.loads((judge / "scores.json").read_text())["tiles"]
    both = np.add(found["val"]["confusion"], found["test"]["confusion"])
    assert about["judge_confusion"] == both.tolist()


def test_real_tiles_as_pairs_go_the_same_way(tmp_path: Path, judge: Path) -> None:
    tile = next(samples.read(shards.tiles(tmp_path)[0]))
    tile.id, tile.parents, tile.source = "g_0", [tile.id], "g"
    samples.write(tmp_path / "g.parquet", [tile], {"generator": "g"})
    (row,) = curated(tmp_path, judge, tmp_path / "g.parquet", min_agreement=0.5)
    assert accepted(row.quality)
    assert row.parents == ["train0"]


def test_same_input_same_bytes(tmp_path: Path, judge: Path) -> None:
    pairs = planted(tmp_path)
    curated(tmp_path, judge, pairs)
    first = (tmp_path / "curated.parquet").read_bytes()
    curated(tmp_path, judge, pairs)
    assert (tmp_path / "curated.parquet").read_bytes() == first


def test_features_of_other_tiles_are_refused(tmp_path: Path, judge: Path) -> None:
    """As when tiles were cut anew by hand: a copy must not pass because its tile is not among them."""
    tiles = shards.tiles(tmp_path)
    pairs, statistics, files = planted(tmp_path), shards.statistics(tmp_path), known(tmp_path, tiles)
    rows = [s for s in samples.read(tiles) if s.id != "train0"]
    samples.write(tmp_path / "less.parquet", rows, samples.metadata(tiles[0]))
    features.run(FEATURES, statistics, tmp_path / "less.parquet", files[0])
    with pytest.raises(InputError, match=r"no features of 1 tiles such as train0\. Run features again"):
        curate.run(CurateConfig(), FEATURES, statistics, pairs, tiles, judge, files[:1], tmp_path / "out")


def test_val_tiles_count_as_the_judge_was_scored_on_them(tmp_path: Path, judge: Path) -> None:
    """They are not read again: only train tiles are given here."""
    statistics, pairs, tiles = shards.statistics(tmp_path), shards.pairs(tmp_path), shards.tiles(tmp_path)[:1]
    curate.run(CurateConfig(), FEATURES, statistics, pairs, tiles, judge, [], tmp_path / "out")
    unscored = tmp_path / "judge"
    shutil.copytree(judge, unscored)
    scores = json.loads((judge / "scores.json").read_text())
    scores["tiles"]["val"] |= {"confusion": [[0] * 3] * 3, "loss": [None] * 3}
    (unscored / "scores.json").write_text(json.dumps(scores))
    with pytest.raises(InputError, match="no val tile"):
        curate.run(CurateConfig(), FEATURES, statistics, pairs, tiles, unscored, [], tmp_path / "other")


def test_a_collage_of_one_tile_alone_is_a_copy_however_it_was_turned(tmp_path: Path, judge: Path) -> None:
    rng = np.random.default_rng(14)
    rows = [
        shards.sample(name, rng, source="g", quality=judged(None, {"one_tile": share}))
        for name, share in (("whole", 0.97), ("half", 0.5))
    ]
    samples.write(tmp_path / "g.parquet", rows, {"generator": "g", "collage": 0.1})
    whole, half = curated(tmp_path, judge, tmp_path / "g.parquet", memory=OFF)
    assert whole.quality.details == ["copy of a real tile: 97.0 % of the pixels are cut from one"]
    assert whole.quality.reasons == ["copy of a real tile"]
    assert accepted(half.quality)


def test_an_unchanged_tile_among_collages_is_a_copy_though_it_is_named(tmp_path: Path, judge: Path) -> None:
    tile = next(samples.read(shards.tiles(tmp_path)[0]))
    tile.id, tile.parents, tile.source = "g_0", [tile.id], "g"
    samples.write(tmp_path / "g.parquet", [tile], {"generator": "g", "collage": 0.0})
    (row,) = curated(tmp_path, judge, tmp_path / "g.parquet")
    assert row.quality.reasons == ["copy of a real tile"]


def test_a_tile_of_which_a_part_was_painted_anew_is_no_copy(tmp_path: Path, judge: Path) -> None:
    """Neither by the share of its pixels that are real, nor by how near it is to its own tile."""
    tile = next(samples.read(shards.tiles(tmp_path)[0]))
    hole = np.zeros((shards.SIDE, shards.SIDE), bool)
    hole[:3, :3] = True
    image = np.where(hole, 0, tile.image_array()).astype(np.uint8)
    made = replace(
        tile, id="g_0", parents=[tile.id], source="g", image=codec.encode(image),
        quality=judged(None, {"one_tile": 0.99}), layers=kept_pixels.layers(tile.image_array(), ~hole),
    )  # fmt: skip
    bare = replace(made, id="g_1", layers=[])
    samples.write(tmp_path / "g.parquet", [made, bare], {"generator": "g", "repainted": True})
    told, untold = curated(tmp_path, judge, tmp_path / "g.parquet")
    assert accepted(told.quality)
    assert untold.quality.reasons == 2 * ["copy of a real tile"]


def test_trust_is_not_held_for_a_whole_shard(
    tmp_path: Path, judge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive, most, plain = 0, list[int](), codec.encode

    class Encoded(bytes):
        """Bytes that are counted."""

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def counted(*given: Any) -> Encoded:
        nonlocal alive
        alive += 1
        most.append(alive)
        return Encoded(plain(*given))

    pairs = planted(tmp_path)
    monkeypatch.setattr(curate, "codec", SimpleNamespace(encode=counted))
    curated(tmp_path, judge, pairs, memory=OFF)
    assert max(most) < len(most) == 3
