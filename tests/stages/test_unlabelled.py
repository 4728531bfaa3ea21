"""Tiles without labels: what learns from them, and what never reads one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from landloom.config.curate import CurateConfig
from landloom.config.features import FeaturesConfig
from landloom.config.image_sample import CollageConfig
from landloom.config.mix import MixConfig
from landloom.copy_paste.library import Library
from landloom.data import pictures, sample_index, samples
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.diffusion.autoencoder import AutoencoderObjective
from landloom.errors import InputError
from landloom.metrics import extractors
from landloom.models import bundle
from landloom.stages import base as stage
from landloom.stages import curate, features, image_sample, mix, segment
from tests import bases, shards
from tests.features import Means
from tests.stages.conftest import run
from tests.stages.test_segment import train

PREDICTED = '{"source": "predicted", "predicted": {"threshold": 0.6}}'


@pytest.fixture
def more(tiny: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The tiny data with a shard of five tiles without labels, and their captions."""
    rng = np.random.default_rng(11)
    rows = [replace(bases.tile(f"u{i}", "u", "unlabelled", rng), mask=None, ratios=[]) for i in range(5)]
    samples.write(
        tmp_path / "u.parquet", rows, {"classes": bases.NAMES, "dtype": "uint16", "bands": bases.BANDS}
    )
    words = pd.DataFrame({"id": [r.id for r in rows], "caption": "", "prompt": ""})
    words.to_parquet(tmp_path / "words.parquet")
    return {
        "statistics": tiny["statistics"],
        "tiles": [tmp_path / "u.parquet", *tiny["tiles"]],
        "captions": [tmp_path / "words.parquet", *tiny["captions"]],
    }


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where the pixels of a tile without labels are asked for."""
    plain = Sample.image_array

    def image(self: Sample) -> Any:
        assert self.split != "unlabelled"
        return plain(self)

    monkeypatch.setattr(Sample, "image_array", image)


def test_the_base_sees_images_of_all_and_masks_as_often(more: dict[str, Any], tmp_path: Path) -> None:
    dataset = Statistics.load(more["statistics"])
    data = pictures.load(dataset, more["tiles"], more["captions"], unlabelled=True)
    assert (len(data.images), len(data.labels), len(data.captions), len(data.ids)) == (13, 8, 13, 8)
    last = list(samples.read(more["tiles"], "unlabelled"))[-1]
    assert torch.equal(
        data.images[torch.tensor([12])][0], torch.from_numpy(dataset.scale(last.image_array())).half()
    )
    base = bases.bundle()
    objective = AutoencoderObjective(base.vae, data.images, data.labels, base.palette(3), bases.VAE, "none")
    assert objective.size == 26
    shown = objective._pictures(torch.tensor([13, 21, 25]))  # masks 0, 0 again, 4
    codes = [torch.unique(x.flatten(1), dim=1).shape[1] for x in shown]
    assert codes == [torch.unique(data.labels[torch.tensor([i])]).numel() for i in (0, 0, 4)]
    config = bases.BASE.model_copy(update={"augment": "none"})
    latents, words = stage.encoded(config, base, dataset, data, tmp_path)
    assert (len(latents), len(words)) == (26, 26)
    first, again = (latents[torch.tensor([i]), torch.tensor([0])] for i in (13, 21))
    assert torch.equal(first, again)
    assert words[13:] == [*data.prompts, *data.prompts[:5]]
    assert words[8:13] == [""] * 5


def test_a_base_is_another_one_with_more_images(
    more: dict[str, Any], base_job: dict[str, Any], base: Path, tmp_path: Path
) -> None:
    found, plain = bundle.load(run("base", base_job | more, tmp_path)), bundle.load(base)
    for part in ("vae", "unet"):
        pairs = zip(getattr(found, part).parameters(), getattr(plain, part).parameters(), strict=True)
        assert any(not torch.equal(a, b) for a, b in pairs)


@pytest.mark.usefixtures("unread")
def test_only_the_base_reads_tiles_without_labels(more: dict[str, Any]) -> None:
    dataset = Statistics.load(more["statistics"])
    data = pictures.load(dataset, more["tiles"], more["captions"])
    every = torch.arange(8)
    assert (data.images[every].shape[0], len(data.ids), len(data.captions)) == (8, 8, 8)
    assert pictures.masks(dataset, more["tiles"])[every].shape[0] == 8
    assert not any(name.startswith("u") for name in data.ids)


@pytest.mark.usefixtures("unread")
def test_mix_pieces_features_and_segment_leave_them_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extractors, "load", lambda *given: Means())
    more, _ = shards.unlabelled(tmp_path)
    tiles = [more, *shards.tiles(tmp_path)]
    mix.run(MixConfig(), 0.0, 0, tiles, [], tmp_path / "mix.parquet")
    ids = [p.id for p in sample_index.read(tmp_path / "mix.parquet", tiles)]
    assert (len(ids), any(i.startswith("u") for i in ids)) == (8, False)
    shelf = Library(shards.dataset(), tiles, CollageConfig())
    assert shelf.ids == [f"train{i}" for i in range(8)]
    features.run(FeaturesConfig(), shards.statistics(tmp_path), more, tmp_path / "f.safetensors")
    dataset = shards.dataset()
    for split in ("val", "test"):
        assert len(list(segment.single(Still(), dataset, tiles, split))) == 2


class Still(torch.nn.Module):
    """Sees the first class everywhere."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(x), 3, *x.shape[2:])


def test_pseudo_labels_go_all_the_way_into_a_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = train(tmp_path, "run", steps=30)
    more, truth = shards.unlabelled(tmp_path)
    tiles, card = [*shards.tiles(tmp_path), more], shards.statistics(tmp_path)
    wanted = [[1.0, 0.0, 0.0], samples.class_ratios(truth[2], 3), samples.class_ratios(truth[0], 3)]
    plan = pd.DataFrame(
        {"id": ["p0", "p1", "p2"], "shard": 0, "mix": "real", "caption": "c", "prompt": "p",
         "seed": [0, 1, 2], "target_ratios": wanted, "expected_ratios": wanted}
    )  # fmt: skip
    plan.to_parquet(tmp_path / "plan.parquet")
    job = {"statistics": card, "plan": tmp_path / "plan.parquet", "tiles": tiles, "judge": judge}
    masks = tmp_path / "masks.parquet"
    bases.execute("label_sample", config=PREDICTED, generator="g", shard=0, out=masks, **job)
    _, second, third = made = list(samples.read(masks))
    assert [s.id for s in made] == ["g_p0", "g_p1", "g_p2"]
    assert (second.parents, third.parents) == (["u2"], ["u0"])
    assert {(s.split, s.source, s.caption) for s in made} == {("train", "g", "c")}
    assert second.image == list(samples.read(more))[2].image
    mask = second.mask_array()
    sure = mask != 255
    assert sure.mean() > 0.5
    assert (mask == truth[2])[sure].mean() > 0.95
    assert second.ratios == pytest.approx(samples.class_ratios(mask, 3))
    pairs, curated = tmp_path / "pairs.parquet", tmp_path / "curated.parquet"
    image_sample.run(
        image_sample.ImageSampleConfig(source="real"), card, masks, pairs, tmp_path / "again.parquet"
    )
    curate.run(CurateConfig(), FeaturesConfig(), card, pairs, tiles, judge, [], curated)
    scores = [s.quality.scores.agreement for s in samples.read(curated) if s.quality and s.quality.accepted]
    assert scores == [1.0, 1.0, 1.0]  # the judge agrees with itself
    mix.run(MixConfig(), 3 / 8, 0, tiles, [curated], tmp_path / "mixed.parquet")
    found = sample_index.read(tmp_path / "mixed.parquet", [*tiles, curated])
    assert sum(p.source == "g" for p in found) == 3


def test_a_val_tile_as_parent_is_still_a_leak(tmp_path: Path) -> None:
    pairs, tiles = shards.pairs(tmp_path, 6), [*shards.tiles(tmp_path), shards.unlabelled(tmp_path)[0]]
    rows = list(samples.read(pairs))
    samples.write(pairs, [replace(s, parents=["u1"]) for s in rows], {"generator": "g"})
    mix.run(MixConfig(), 0.5, 0, tiles, [pairs], tmp_path / "mix.parquet")
    samples.write(pairs, [replace(s, parents=["u1", "val0"]) for s in rows], {"generator": "g"})
    with pytest.raises(InputError, match="held-out tile val0"):
        mix.run(MixConfig(), 0.5, 0, tiles, [pairs], tmp_path / "mix.parquet")
