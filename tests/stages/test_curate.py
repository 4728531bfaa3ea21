from pathlib import Path

import numpy as np
import pytest

from landloom import samples
from landloom.config.curate import CurateConfig
from landloom.errors import InputError
from landloom.raster import codec
from landloom.segmentation import verdict
from landloom.stages import curate
from tests import shards
from tests.stages.test_segment import train


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A segmenter trained on real tiles."""
    return train(tmp_path_factory.mktemp("judge"), "run", steps=30)


def curated(folder: Path, judge: Path, pairs: Path, **config: float) -> list[samples.Sample]:
    """Run the stage; returns its rows."""
    out = folder / "curated.parquet"
    tiles = shards.tiles(folder)
    curate.run(CurateConfig.model_validate(config), shards.card(folder), pairs, tiles, judge, out)
    assert samples.metadata(out)["generator"] == samples.metadata(pairs)["generator"]
    return list(samples.read(out))


def planted(folder: Path) -> Path:
    """A pair with a true mask, one with a false block in it, and one with a mask of something else."""
    rng = np.random.default_rng(7)
    good = shards.sample("good", rng, source="g", note="mix=real")
    part = shards.sample("part", rng, source="g")
    labels = part.mask_array().copy()
    labels[8:24, 8:24] = (labels[8:24, 8:24] + 1) % 3
    part.mask = codec.encode(labels)
    bad = shards.sample("bad", rng, source="g")
    bad.mask = codec.encode((bad.mask_array() + 1) % np.uint8(3))
    samples.write(folder / "g.parquet", [good, part, bad], {"generator": "g"})
    return folder / "g.parquet"


def test_wrong_masks_get_low_trust(tmp_path: Path, judge: Path) -> None:
    good, part, bad = curated(tmp_path, judge, planted(tmp_path), min_agreement=0.5)
    assert good.trust_array().mean() > 200
    assert bad.trust_array().mean() < 120
    trust = part.trust_array().astype(float)
    outside = np.ones(trust.shape, bool)
    outside[8:24, 8:24] = False
    assert trust[8:24, 8:24].mean() < 0.5 * trust[outside].mean()


def test_verdicts_are_in_the_notes_and_no_row_is_lost(tmp_path: Path, judge: Path) -> None:
    good, part, bad = curated(tmp_path, judge, planted(tmp_path), min_agreement=0.5)
    assert good.note is not None
    assert good.note.startswith("accepted agreement=0.")
    assert good.note.endswith("; mix=real")
    assert bad.note is not None
    assert bad.note.startswith("rejected: agreement 0.")
    assert [verdict.accepted(s.note) for s in (good, part, bad)] == [True, True, False]
    assert verdict.agreement(good.note) > verdict.agreement(part.note) > verdict.agreement(bad.note)


def test_real_tiles_as_pairs_go_the_same_way(tmp_path: Path, judge: Path) -> None:
    tile = next(samples.read(shards.tiles(tmp_path)[0]))
    tile.id, tile.parents, tile.source, tile.note = "g_0", [tile.id], "g", "mix=real real mask"
    samples.write(tmp_path / "g.parquet", [tile], {"generator": "g"})
    (row,) = curated(tmp_path, judge, tmp_path / "g.parquet", min_agreement=0.5)
    assert verdict.accepted(row.note)
    assert row.parents == ["train0"]


def test_same_input_same_bytes(tmp_path: Path, judge: Path) -> None:
    pairs = planted(tmp_path)
    curated(tmp_path, judge, pairs)
    first = (tmp_path / "curated.parquet").read_bytes()
    curated(tmp_path, judge, pairs)
    assert (tmp_path / "curated.parquet").read_bytes() == first


def test_without_val_tiles_there_is_nothing_to_compare_with(tmp_path: Path, judge: Path) -> None:
    with pytest.raises(InputError, match="no val tile"):
        curate.run(
            CurateConfig(), shards.card(tmp_path), shards.pairs(tmp_path), shards.tiles(tmp_path)[:1],
            judge, tmp_path / "out",
        )  # fmt: skip
