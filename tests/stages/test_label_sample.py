from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rasterio.features import sieve
from safetensors.torch import load_file, save_file

from landloom import provenance, samples
from landloom.raster import codec
from landloom.samples import Sample, class_ratios
from tests import bases

REAL = {"t1": [1.0, 0.0, 0.0], "t2": [0.0, 1.0, 0.0], "t3": [0.25, 0.25, 0.5], "t4": [0.25, 0.25, 0.5]}


def found(path: Path) -> dict[str, Sample]:
    return {s.id: s for s in samples.read(path)}


def rows(plan: Path, shard: int) -> dict[str, dict[str, Any]]:
    table = pd.read_parquet(plan)
    return {f"g_{r['id']}": r for r in table[table["shard"] == shard].to_dict("records")}


def again(tiny: dict[str, Any], plan: Path, out: Path, **more: Any) -> Path:
    job = {"card": tiny["card"], "plan": plan, "tiles": tiny["tiles"], "out": out, "config": '{"steps": 3}'}
    bases.execute("label_sample", **job | {"generator": "g", "shard": 0} | more)
    return out


def test_masks_answer_their_requests(masks: Path, plan: Path) -> None:
    made, asked = found(masks), rows(plan, 0)
    assert list(made) == list(asked)
    assert len(asked) == 3
    for name, s in made.items():
        mask, row = s.mask_array(), asked[name]
        assert mask.shape == (bases.SIDE, bases.SIDE)
        assert set(np.unique(mask)) <= {0, 1, 2}
        assert s.ratios == pytest.approx(np.bincount(mask.ravel(), minlength=3) / mask.size)
        assert s.target_ratios == pytest.approx(row["target_ratios"])
        assert (s.caption, s.seed, s.source, s.split) == (row["caption"], row["seed"], "g", "train")
        assert (s.image, s.note[:17] if s.note else None) == (None, "mix=real residual")


def test_the_shard_says_who_made_it(masks: Path, lora: Path) -> None:
    assert samples.metadata(masks) == {"generator": "g", "classes": bases.NAMES}
    assert bases.record(masks)["inputs"][str(lora)] == provenance.digest(lora)


def test_the_same_seed_gives_the_same_bytes(
    tiny: dict[str, Any], base: Path, lora: Path, plan: Path, masks: Path, tmp_path: Path
) -> None:
    out = again(tiny, plan, tmp_path / "masks.parquet", base=base, model=lora)
    assert out.read_bytes() == masks.read_bytes()


def test_shards_are_disjoint_and_batches_do_not_matter(
    tiny: dict[str, Any], base: Path, lora: Path, plan: Path, masks: Path, tmp_path: Path
) -> None:
    config = '{"steps": 3, "batch": 1}'
    alone = again(tiny, plan, tmp_path / "alone.parquet", base=base, model=lora, config=config)
    for name, s in found(masks).items():
        assert (found(alone)[name].mask_array() == s.mask_array()).mean() > 0.99
    other = again(tiny, plan, tmp_path / "other.parquet", base=base, model=lora, shard=1)
    assert list(found(other)) == list(rows(plan, 1))
    assert not set(found(other)) & set(found(masks))


def test_the_lora_has_an_effect(
    tiny: dict[str, Any], base: Path, lora: Path, plan: Path, masks: Path, tmp_path: Path
) -> None:
    weights = load_file(lora / "pytorch_lora_weights.safetensors")
    save_file({k: 0 * w for k, w in weights.items()}, tmp_path / "pytorch_lora_weights.safetensors")
    without = again(tiny, plan, tmp_path / "masks.parquet", base=base, model=tmp_path)
    pairs = [(s.mask_array(), found(without)[n].mask_array()) for n, s in found(masks).items()]
    assert any((a != b).any() for a, b in pairs)


def test_half_precision(tiny: dict[str, Any], base: Path, lora: Path, plan: Path, tmp_path: Path) -> None:
    config = '{"steps": 2, "precision": "bf16"}'
    made = found(again(tiny, plan, tmp_path / "m.parquet", base=base, model=lora, config=config))
    assert all(s.ratios == pytest.approx(class_ratios(s.mask_array(), 3)) for s in made.values())


def test_small_regions_join_their_neighbours(
    tiny: dict[str, Any], base: Path, lora: Path, plan: Path, masks: Path, tmp_path: Path
) -> None:
    config = '{"steps": 3, "smooth": 20}'
    made = found(again(tiny, plan, tmp_path / "m.parquet", base=base, model=lora, config=config))
    for name, s in found(masks).items():
        assert np.array_equal(made[name].mask_array(), sieve(s.mask_array(), 20))
        assert made[name].ratios == pytest.approx(class_ratios(made[name].mask_array(), 3))
        assert made[name].mask != s.mask


def real(folder: Path, target: list[float], seed: int = 0) -> Sample:
    """The real mask that is found for a target; val and test tiles would be the best answers."""
    shard, plan, out = folder / "tiles.parquet", folder / "plan.parquet", folder / "masks.parquet"
    labels = {n: np.repeat([0, 1, 2], [int(64 * x) for x in r]) for n, r in REAL.items()}
    tiles = [
        Sample(id=n, mask=codec.encode(m.reshape(8, 8).astype(np.uint8)), image=n.encode(), ratios=REAL[n])
        for n, m in labels.items()
    ]
    tiles += [
        Sample(id=s, mask=tiles[0].mask, image=b"", ratios=target, split=s) for s in ("val", "test")
    ]  # fmt: skip
    samples.write(shard, tiles)
    request = {"id": "s0", "shard": 0, "mix": "m", "prompt": "p", "caption": "c", "seed": seed}
    pd.DataFrame([request | {"target_ratios": target, "expected_ratios": target}]).to_parquet(plan)
    bases.dataset().save(folder / "card.json")
    job = {"card": folder / "card.json", "plan": plan, "tiles": [shard], "out": out}
    bases.execute("label_sample", config='{"source": "real"}', generator="r", shard=0, **job)
    return found(out)["r_s0"]


@pytest.mark.parametrize(
    ("target", "nearest"), [([0.8, 0.1, 0.1], "t1"), ([0.1, 0.9, 0.0], "t2"), ([0.2, 0.2, 0.6], "t3")]
)
def test_real_takes_the_nearest_train_mask(tmp_path: Path, target: list[float], nearest: str) -> None:
    s = real(tmp_path, target)
    assert (s.parents, s.image) == ([nearest], nearest.encode())
    assert s.ratios == REAL[nearest] == pytest.approx(class_ratios(s.mask_array(), 3))
    assert (s.target_ratios, s.caption, s.source) == (pytest.approx(target), "c", "r")


def test_ties_are_drawn_by_the_seed(tmp_path: Path) -> None:
    assert {real(tmp_path, [0.2, 0.2, 0.6], seed).parents[0] for seed in range(2)} == {"t3", "t4"}
