import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rasterio.features import sieve
from safetensors.torch import load_file, save_file

from landloom.data import dates, samples
from landloom.data.samples import Meta, Requested, Sample, class_ratios
from landloom.errors import InputError
from landloom.provenance import records
from landloom.raster import codec
from landloom.raster.series import Frame
from tests import bases

REAL = {"t1": [1.0, 0.0, 0.0], "t2": [0.0, 1.0, 0.0], "t3": [0.25, 0.25, 0.5], "t4": [0.25, 0.25, 0.5]}


def found(path: Path) -> dict[str, Sample]:
    return {s.id: s for s in samples.read(path)}


def rows(plan: Path, shard: int) -> dict[str, dict[str, Any]]:
    table = pd.read_parquet(plan)
    return {f"g_{r['id']}": r for r in table[table["shard"] == shard].to_dict("records")}


def again(tiny: dict[str, Any], plan: Path, out: Path, **more: Any) -> Path:
    job = {
        "statistics": tiny["statistics"],
        "plan": plan,
        "tiles": tiny["tiles"],
        "out": out,
        "config": '{"steps": 3}',
    }
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
        assert (s.image, s.request) == (None, Requested("real", 1))
        assert s.quality is not None
        assert s.quality.accepted
        assert s.quality.scores.residual > 0


def test_the_shard_says_who_made_it(masks: Path, lora: Path) -> None:
    assert samples.metadata(masks) == {"generator": "g", "classes": bases.NAMES}
    assert bases.record(masks)["inputs"][str(lora)] == records.digest(lora)


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


def test_what_else_is_in_the_shard_changes_no_bit(
    tiny: dict[str, Any], base: Path, lora: Path, plan: Path, masks: Path, tmp_path: Path
) -> None:
    table = pd.read_parquet(plan)
    whole = table.assign(shard=0).iloc[::-1]
    whole.to_parquet(tmp_path / "plan.parquet")
    got = found(again(tiny, tmp_path / "plan.parquet", tmp_path / "whole.parquet", base=base, model=lora))
    assert len(got) == len(table)
    assert all(got[name].mask == s.mask for name, s in found(masks).items())


def test_the_lora_has_an_effect(
    tiny: dict[str, Any], base: Path, lora: Path, plan: Path, masks: Path, tmp_path: Path
) -> None:
    weights = load_file(lora / "pytorch_lora_weights.safetensors")
    empty = shutil.copytree(lora, tmp_path / "empty")
    save_file({k: 0 * w for k, w in weights.items()}, empty / "pytorch_lora_weights.safetensors")
    without = again(tiny, plan, tmp_path / "masks.parquet", base=base, model=empty)
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


def test_the_categorical_back_end_answers_the_same_plan(
    tiny: dict[str, Any], categorical: Path, plan: Path, tmp_path: Path
) -> None:
    out = again(tiny, plan, tmp_path / "m.parquet", model=categorical)
    made, asked = found(out), rows(plan, 0)
    assert list(made) == list(asked)
    for name, s in made.items():
        assert set(np.unique(s.mask_array())) <= {0, 1, 2}
        assert s.ratios == pytest.approx(class_ratios(s.mask_array(), 3))
        assert s.ratios == pytest.approx(asked[name]["target_ratios"], abs=0.03)
    assert again(tiny, plan, tmp_path / "n.parquet", model=categorical).read_bytes() == out.read_bytes()


def test_repair_makes_shares_exact_and_says_how_many_pixels_moved(
    tiny: dict[str, Any], categorical: Path, plan: Path, tmp_path: Path
) -> None:
    config = '{"steps": 3, "control": {"histogram": false%s}}'
    plain = again(tiny, plan, tmp_path / "m.parquet", model=categorical, config=config % "")
    more = ', "repair": true'
    fixed = again(tiny, plan, tmp_path / "n.parquet", model=categorical, config=config % more)
    for name, a in found(plain).items():
        b = found(fixed)[name]
        assert b.request.repaired == (a.mask_array() != b.mask_array()).sum() > 0
        off = [np.abs(np.subtract(s.ratios, s.target_ratios)).sum() for s in (a, b)]
        assert off[1] < off[0]


def test_more_tries_are_never_worse(
    tiny: dict[str, Any], base: Path, lora: Path, plan: Path, masks: Path, tmp_path: Path
) -> None:
    config = '{"steps": 3, "control": {"tries": 3, "tolerance": 0}}'
    best = again(tiny, plan, tmp_path / "m.parquet", base=base, model=lora, config=config)
    for name, s in found(masks).items():
        tried = found(best)[name]
        off = [np.abs(np.subtract(x.ratios, x.target_ratios)).sum() for x in (s, tried)]
        assert off[1] <= off[0] + 1e-6
    assert {s.request.attempt for s in found(best).values()} <= {1, 2, 3}


def test_masks_that_are_off_are_rejected_with_the_reason(
    tiny: dict[str, Any], base: Path, lora: Path, plan: Path, tmp_path: Path
) -> None:
    config = '{"steps": 3, "control": {"reject_above": 0.001}}'
    made = found(again(tiny, plan, tmp_path / "m.parquet", base=base, model=lora, config=config))
    for s in made.values():
        assert (s.quality.accepted, s.quality.reasons) == (False, ["class shares"])
        assert s.quality.details[0].startswith("class shares are off by ")


def test_latent_guidance_needs_a_probe_and_has_an_effect(
    tiny: dict[str, Any], base: Path, lora: Path, plan: Path, masks: Path, tmp_path: Path
) -> None:
    config = '{"steps": 3, "control": {"latent": 0.3}}'
    guided = again(tiny, plan, tmp_path / "m.parquet", base=base, model=lora, config=config)
    assert any((s.mask_array() != found(guided)[n].mask_array()).any() for n, s in found(masks).items())
    bare = shutil.copytree(lora, tmp_path / "bare")
    (bare / "probe.safetensors").unlink()
    with pytest.raises(InputError, match="guidance needs the latent probe"):
        again(tiny, plan, tmp_path / "n.parquet", base=base, model=bare, config=config)


def test_ratio_tokens_have_an_effect(
    tiny: dict[str, Any], base: Path, vector: Path, plan: Path, tmp_path: Path
) -> None:
    made = []
    for weight in (1, 1000):  # tokens that were hardly trained say little
        config = f'{{"steps": 3, "vector_guidance": {weight}}}'
        out = again(tiny, plan, tmp_path / f"{weight}.parquet", base=base, model=vector, config=config)
        made.append([s.mask_array() for s in found(out).values()])
    assert any((a != b).any() for a, b in zip(*made, strict=True))


@pytest.mark.parametrize("back_end", ["lora", "categorical"])
def test_guidance_by_ratios_that_the_model_was_never_without_is_an_input_error(
    tiny: dict[str, Any], base: Path, lora: Path, categorical: Path, plan: Path, tmp_path: Path, back_end: str
) -> None:
    """Both sides are named: the setting, and what the folder says it was told."""
    model = shutil.copytree(lora if back_end == "lora" else categorical, tmp_path / "model")
    if back_end == "categorical":
        text = (model / "conditions.json").read_text()
        (model / "conditions.json").write_text(text.replace('"dropout": 0.1', '"dropout": 0'))
    wrong = "knows no ratios; it was told text" if back_end == "lora" else "never learned without ratios"
    with pytest.raises(InputError, match=rf"label_sample\.vector_guidance: .*{model} {wrong}"):
        again(
            tiny, plan, tmp_path / "m.parquet", base=base, model=model, config='{"vector_guidance": 2}'
        )  # fmt: skip


def test_a_lora_without_its_base_is_an_input_error(
    tiny: dict[str, Any], lora: Path, plan: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="a LoRA needs the model it adapts"):
        again(tiny, plan, tmp_path / "m.parquet", model=lora)


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
    bases.dataset().save(folder / "statistics.json")
    job = {"statistics": folder / "statistics.json", "plan": plan, "tiles": [shard], "out": out}
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


def test_samples_have_the_metadata_that_are_wished_for(
    tiny: dict[str, Any], plan: Path, base: Path, lora: Path, tmp_path: Path
) -> None:
    wish = '"metadata": {"gsd": 10, "acquired": "2024-09-01"}'
    given = {"model": lora, "base": base, "config": f'{{"steps": 1, {wish}}}'}
    made = found(again(tiny, plan, tmp_path / "m.parquet", **given))
    assert {(m.gsd, m.acquired, m.cloud) for s in made.values() if (m := s.meta)} == {
        (10, date(2024, 9, 1), None)
    }
    assert len(made) == 3
    real = found(again(tiny, plan, tmp_path / "r.parquet", config=f'{{"source": "real", {wish}}}'))
    assert all(s.meta == Meta(gsd=10, acquired=date(2024, 9, 1)) for s in real.values())


@pytest.mark.parametrize("source", ["quilt", "paste"])
def test_masks_put_together_from_real_ones_bring_their_image(
    tiny: dict[str, Any], plan: Path, source: str, tmp_path: Path
) -> None:
    config = f'{{"source": "{source}", "control": {{"repair": true}}}}'
    made = found(again(tiny, plan, tmp_path / "m.parquet", config=config))
    asked, real = rows(plan, 0), {s.id: s for s in samples.read(tiny["tiles"])}
    assert list(made) == list(asked)
    for name, s in made.items():
        assert s.ratios == pytest.approx(asked[name]["target_ratios"], abs=0.05)
        assert s.ratios == pytest.approx(class_ratios(s.mask_array(), 3))
        assert s.image_array().shape == real[s.parents[0]].image_array().shape
        assert {real[p].split for p in s.parents} == {"train"}
        assert s.quality is not None
        assert 0 < s.quality.scores.one_tile <= 1
        assert s.request is not None
        assert s.request.repaired is not None
    alone = again(tiny, plan, tmp_path / "a.parquet", config=config.replace("}}", '}, "batch": 1}'))
    assert [s.image for s in found(alone).values()] == [s.image for s in made.values()]


def test_pixels_without_a_class_have_none_in_a_quilt_either(tmp_path: Path) -> None:
    labels = np.repeat(np.uint8([[0, 1, 2, 1]]), 32, 0).repeat(8, 1)
    torn = labels.copy()
    torn[:, :8] = 255
    image = codec.encode(np.zeros((4, 32, 32), np.uint16))
    shard, plan, out = (tmp_path / f"{n}.parquet" for n in ("tiles", "plan", "masks"))
    samples.write(shard, [Sample(id=str(i), mask=codec.encode(torn), image=image) for i in range(4)])
    request = {"id": "s0", "shard": 0, "mix": "m", "prompt": "p", "caption": "c", "seed": 0}
    target = [0.0, 0.6, 0.4]
    pd.DataFrame([request | {"target_ratios": target, "expected_ratios": target}]).to_parquet(plan)
    bases.dataset().save(tmp_path / "statistics.json")
    job = {"statistics": tmp_path / "statistics.json", "plan": plan, "tiles": [shard], "out": out}
    bases.execute("label_sample", config='{"source": "quilt"}', generator="g", shard=0, **job)
    mask = found(out)["g_s0"].mask_array()
    assert 0 < (mask == 255).sum() < 512
    assert found(out)["g_s0"].ratios == pytest.approx(class_ratios(mask, 3))


def test_repainted_masks_take_the_place_of_their_tile_and_keep_its_pixels(
    tiny: dict[str, Any], plan: Path, tmp_path: Path
) -> None:
    """A lever that moves borders is not pulled: it would leave real pixels with a wrong class."""
    config = '{"source": "repaint", "smooth": 30, "looks": "any", "control": {"repair": true}}'
    shard = again(tiny, plan, tmp_path / "m.parquet", config=config)
    real = {s.id: s for s in samples.read(tiny["tiles"])}
    assert samples.metadata(shard)["repainted"]
    for s in found(shard).values():
        tile, (pixels, where) = real[s.parents[0]], s.layers
        kept = where.array()[0] > 0
        assert (s.crs, s.transform, s.image, s.split) == (tile.crs, tile.transform, None, "train")
        assert np.array_equal(pixels.array(), tile.image_array())
        assert np.array_equal(s.mask_array()[kept], tile.mask_array()[kept])
        assert s.ratios == pytest.approx(class_ratios(s.mask_array(), 3))
        assert s.quality is not None
        assert s.quality.scores.one_tile == pytest.approx(kept.mean())
        assert s.request is not None
        assert s.request.repaired is None


def test_real_masks_bring_the_other_days_of_their_tile(
    tiny: dict[str, Any], plan: Path, tmp_path: Path
) -> None:
    rows = list(samples.read(tiny["tiles"]))
    for row in rows:
        image = row.image_array()
        row.layers, row.place = [dates.layer(Frame(image, image[0] >= 0, date(2019, 1, 1)))], "farm"
        row.meta = Meta(acquired=date(2020, 1, 1))
    samples.write(tmp_path / "tiles.parquet", rows)
    for wish, years in (("{}", [2019]), ('{"acquired": "2025-01-01"}', [2019, 2020])):
        config = f'{{"source": "real", "metadata": {wish}}}'
        made = found(
            again(tiny, plan, tmp_path / "m.parquet", config=config, tiles=[tmp_path / "tiles.parquet"])
        )
        assert [[f.acquired.year for f in dates.frames(s)] for s in made.values()] == [years] * len(made)
        assert {s.place for s in made.values()} == {"farm"}
