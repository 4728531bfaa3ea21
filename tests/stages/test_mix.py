import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from landloom.config.mix import MixConfig
from landloom.data import sample_index, samples
from landloom.data.quality import below, judged
from landloom.errors import InputError
from landloom.stages import mix
from tests import shards


def made(folder: Path, ratio: float, curated: list[Path], seed: int = 0, **config: str) -> list[str]:
    """Ids of a mix of eight real train tiles."""
    out = folder / f"mix-{ratio}-{seed}.parquet"
    mix.run(MixConfig.model_validate(config), ratio, seed, shards.tiles(folder), curated, out)
    return pq.read_table(out)["id"].to_pylist()


def about(path: Path) -> dict[str, Any]:
    """What the index says of itself."""
    found: dict[str, Any] = json.loads(pq.read_schema(path).metadata[b"landloom"])
    return found


def test_an_index_has_no_pixels_and_names_the_rows(tmp_path: Path) -> None:
    pairs, tiles = shards.pairs(tmp_path, 6), shards.tiles(tmp_path)
    made(tmp_path, 0.5, [pairs])
    assert pq.read_schema(tmp_path / "mix-0.5-0.parquet").names == ["id", "shard", "row", "source"]
    places = sample_index.read(tmp_path / "mix-0.5-0.parquet", [*tiles, pairs])
    for place in places:
        assert samples.columns([place.shard], ["id"])["id"][place.row] == place.id
    assert sum(p.source == "g" for p in places) == 4


def test_counts_by_ratio_to_real(tmp_path: Path) -> None:
    pairs = [shards.pairs(tmp_path, 6)]
    ids = made(tmp_path, 0.5, pairs)
    assert sum(i.startswith("train") for i in ids) == 8
    assert sum(i.startswith("g_") for i in ids) == 4
    assert about(tmp_path / "mix-0.5-0.parquet") == {
        "ratio": 0.5, "of": "real", "seed": 0, "n_real": 8, "n_synthetic": 4, "generators": ["g"],
    }  # fmt: skip


def test_counts_by_share_of_total(tmp_path: Path) -> None:
    ids = made(tmp_path, 0.2, [shards.pairs(tmp_path, 6)], of="total")
    assert len(ids) == 10


def test_synthetic_pairs_alone(tmp_path: Path) -> None:
    pairs = [shards.pairs(tmp_path, 6)]
    ids = made(tmp_path, 0.5, pairs, of="alone")
    assert len(ids) == 4
    assert all(i.startswith("g_") for i in ids)
    found = about(tmp_path / "mix-0.5-0.parquet")
    assert (found["n_real"], found["n_synthetic"]) == (0, 4)
    assert len(made(tmp_path, 0, [], of="alone")) == 8  # what they are compared with


def test_a_ratio_of_less_than_one_sample_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mix\.ratios: 0\.01 of 8 real train tiles is less than one sample"):
        made(tmp_path, 0.01, [shards.pairs(tmp_path, 6)], of="alone")


def test_ratio_zero_is_all_real_train_tiles(tmp_path: Path) -> None:
    assert sorted(made(tmp_path, 0, [])) == [f"train{i}" for i in range(8)]


def test_order_is_shuffled_by_seed_and_subsets_are_nested(tmp_path: Path) -> None:
    pairs = [shards.pairs(tmp_path, 6)]
    first = made(tmp_path, 0.5, pairs)
    assert first != sorted(first)
    bytes_before = (tmp_path / "mix-0.5-0.parquet").read_bytes()
    assert made(tmp_path, 0.5, pairs) == first
    assert (tmp_path / "mix-0.5-0.parquet").read_bytes() == bytes_before
    assert made(tmp_path, 0.5, pairs, seed=1) != first
    assert set(made(tmp_path, 0.25, pairs)) < set(first)


@pytest.mark.parametrize("ratio", [0.0, 0.5])
def test_no_held_out_tile_ever_enters(tmp_path: Path, ratio: float) -> None:
    rng = np.random.default_rng(0)
    held = [shards.sample(f"held{i}", rng, split=s, source="g") for i, s in enumerate(["val", "test"])]
    samples.write(tmp_path / "held.parquet", held)
    ids = made(tmp_path, ratio, [tmp_path / "held.parquet", shards.pairs(tmp_path, 4)])
    assert not [i for i in ids if i.startswith(("val", "test", "held"))]
    assert len(ids) == 8 + round(8 * ratio)


def test_pair_made_from_a_test_tile_is_refused(tmp_path: Path) -> None:
    leak = shards.sample("g_0", np.random.default_rng(0), source="g", parents=["test1"])
    samples.write(tmp_path / "leak.parquet", [leak])
    with pytest.raises(InputError, match="held-out tile test1"):
        made(tmp_path, 0.125, [tmp_path / "leak.parquet"])


def test_rejected_pairs_do_not_count(tmp_path: Path) -> None:
    good = shards.pairs(tmp_path, 3, "good", judged(None, {"agreement": 0.9}))
    bad = shards.pairs(tmp_path, 5, "bad", judged(None, {"agreement": 0.1}, below("agreement", 0.1, 0.3)))
    assert not [i for i in made(tmp_path, 0.375, [bad, good]) if i.startswith("bad")]
    with pytest.raises(
        InputError, match=r"4 accepted samples are needed, 3 of 8 .*plan\.count or lower curate\."
    ):
        made(tmp_path, 0.5, [bad, good])


def test_impossible_share_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no possible share"):
        made(tmp_path, 1.0, [], of="total")
