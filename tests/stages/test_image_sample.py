from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from landloom.config.segment import Network
from landloom.data import samples
from landloom.data.quality import score
from landloom.data.samples import Meta, Sample
from landloom.data.statistics import Statistics
from landloom.diffusion import images as images_by_diffusion
from landloom.diffusion.feedback import JudgeFeedback
from landloom.errors import InputError
from landloom.models import bundle
from landloom.provenance import records
from landloom.raster import codec
from landloom.segmentation import networks
from tests import bases
from tests.stages.conftest import run


def images(path: Path) -> list[NDArray[Any]]:
    return [s.image_array() for s in samples.read(path)]


@pytest.fixture
def job(tiny: dict[str, Any], base: Path, controlnet: Path, tmp_path: Path) -> dict[str, Any]:
    return {
        "resamples": tmp_path / "resamples.parquet",
        "statistics": tiny["statistics"],
        "base": base,
        "controlnet": controlnet,
        "config": '{"steps": 3}',
    }


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judge that has learned nothing."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("judge")
    made = networks.build(Network(architecture="Unet", encoder="resnet18"), bases.BANDS, len(bases.NAMES))
    networks.save(made, folder / "model")
    return folder


def made(folder: Path, job: dict[str, Any], mask: NDArray[np.uint8], **config: float) -> NDArray[Any]:
    """The image of a mask, with the seed and caption held."""
    shard, out = folder / "masks.parquet", folder / "pairs.parquet"
    samples.write(shard, [Sample(id="m", mask=codec.encode(mask), caption="satellite image", seed=7)])
    text = str({"steps": 3} | config).replace("'", '"')
    bases.execute("image_sample", **job | {"masks": shard, "out": out, "config": text})
    return images(out)[0]


def test_images_are_like_the_datasets(pairs: Path, masks: Path, controlnet: Path) -> None:
    found = images(pairs)
    assert len(found) == 3
    for image in found:
        assert (image.shape, image.dtype) == ((bases.BANDS, bases.SIDE, bases.SIDE), np.uint16)
        assert image.max() <= 4000
        assert image.std() > 0
    about = samples.metadata(masks) | {"image_model": str(controlnet)}
    assert samples.metadata(pairs) == about


def test_everything_but_the_image_stays(pairs: Path, masks: Path) -> None:
    after = [replace(s, image=None) for s in samples.read(pairs)]
    assert after == list(samples.read(masks))


def test_the_same_seed_gives_the_same_bytes(
    job: dict[str, Any], masks: Path, pairs: Path, controlnet: Path, tmp_path: Path
) -> None:
    bases.execute("image_sample", **job, masks=masks, out=tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == pairs.read_bytes()
    assert bases.record(pairs)["inputs"][str(controlnet)] == records.digest(controlnet)


def test_batches_do_not_matter(job: dict[str, Any], masks: Path, pairs: Path, tmp_path: Path) -> None:
    config = {"config": '{"steps": 3, "batch": 2}'}
    bases.execute("image_sample", **job | config, masks=masks, out=tmp_path / "again.parquet")
    for a, b in zip(images(pairs), images(tmp_path / "again.parquet"), strict=True):
        assert np.abs(a.astype(int) - b).max() <= 2


def test_a_small_gpu_makes_the_same_images_in_parts(
    job: dict[str, Any], masks: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The made-up card has room for two samples."""
    seen, whole = list[int](), images_by_diffusion.sample

    def small(denoiser: Any, schedule: Any, given: Any, seeds: list[int], *rest: Any) -> Any:
        seen.append(len(seeds))
        if len(seeds) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(denoiser, schedule, given, seeds, *rest)

    monkeypatch.setattr(images_by_diffusion, "sample", small)
    out = tmp_path / "again.parquet"
    bases.execute("image_sample", **job | {"masks": masks, "out": out})
    assert seen[:4] == [16, 8, 4, 2]
    assert set(seen[4:]) == {2}
    pixels = zip(images(pairs), images(out), strict=True)
    assert max(np.abs(a.astype(float) - b).max() for a, b in pixels) <= 2


@pytest.mark.parametrize("more", ["", '"collage": {"strength": 0.5}, '])
def test_what_else_is_in_the_shard_changes_no_bit(
    job: dict[str, Any], tiny: dict[str, Any], masks: Path, more: str, tmp_path: Path
) -> None:
    rows, config = list(samples.read(masks)), f'{{{more}"steps": 4, "batch": 4}}'
    found = []
    for i, part in enumerate((rows, rows[::-1], rows[2:])):
        samples.write(tmp_path / f"{i}m.parquet", part, samples.metadata(masks))
        one = job | {"tiles": tiny["tiles"]} if more else job
        out = tmp_path / f"{i}.parquet"
        bases.execute("image_sample", **one | {"config": config}, masks=tmp_path / f"{i}m.parquet", out=out)
        found.append({s.id: s.image for s in samples.read(out)})
    assert found[0] == found[1]
    assert found[2].items() <= found[0].items()


def test_another_mask_gives_another_image(job: dict[str, Any], tmp_path: Path) -> None:
    masks = [np.full((bases.SIDE, bases.SIDE), k, np.uint8) for k in (0, 2)]
    a, b = (made(tmp_path, job, m) for m in masks)
    assert np.abs(a.astype(int) - b).mean() > 1
    a, b = (made(tmp_path, job, m, control=0) for m in masks)
    assert np.array_equal(a, b)


def test_a_controlnet_before_training_ignores_the_mask(
    job: dict[str, Any], image_job: dict[str, Any], tmp_path: Path
) -> None:
    config = image_job["config"].model_copy(update={"steps": 1, "lr": 1e-12, "weight_decay": 0})
    untrained = run("image_train", image_job | {"config": config}, tmp_path)
    masks = [np.full((bases.SIDE, bases.SIDE), k, np.uint8) for k in (0, 2)]
    a, b = (made(tmp_path, job | {"controlnet": untrained}, m) for m in masks)
    assert np.array_equal(a, b)


def test_half_precision(job: dict[str, Any], masks: Path, pairs: Path, tmp_path: Path) -> None:
    config = {"config": '{"steps": 3, "precision": "bf16"}'}
    bases.execute("image_sample", **job | config, masks=masks, out=tmp_path / "half.parquet")
    for a, b in zip(images(pairs), images(tmp_path / "half.parquet"), strict=True):
        assert np.abs(a.astype(int) - b).mean() < 200


def test_real_keeps_the_image_of_a_real_mask(tiny: dict[str, Any], tmp_path: Path) -> None:
    out, resamples, shard = tmp_path / "pairs.parquet", tmp_path / "resamples.parquet", tiny["tiles"][0]
    bases.execute(
        "image_sample",
        config='{"source": "real"}',
        statistics=tiny["statistics"],
        masks=shard,
        out=out,
        resamples=resamples,
    )
    assert list(samples.read(out)) == list(samples.read(shard))


def test_twins_have_the_masks_of_their_sisters_and_other_images(pairs: Path, tmp_path: Path) -> None:
    first, resamples = (list(samples.read(p)) for p in (pairs, pairs.with_name("resamples.parquet")))
    assert [s.id for s in resamples] == [s.id for s in first]  # fewer masks than resamples asked for
    for one, other in zip(first, resamples, strict=True):
        assert one.mask == other.mask
        assert one.image != other.image


@pytest.mark.parametrize("config", [{"solver": '"dpm++"'}, {"feedback": '{"weight": 0.1}'}])
def test_other_ways_to_sample(
    job: dict[str, Any], masks: Path, pairs: Path, run_dir: Path, tmp_path: Path, config: dict[str, str]
) -> None:
    ((key, value),) = config.items()
    text = f'{{"steps": 3, "{key}": {value}}}'
    bases.execute(
        "image_sample", **job | {"config": text, "judge": run_dir}, masks=masks, out=tmp_path / "o.parquet"
    )
    for a, b in zip(images(pairs), images(tmp_path / "o.parquet"), strict=True):
        assert a.shape == b.shape
        assert not np.array_equal(a, b)


@pytest.mark.parametrize("backend", ["pix2pix", "cyclegan"])
def test_a_baseline_paints_by_mask_and_seed(
    tiny: dict[str, Any], masks: Path, backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    translator = request.getfixturevalue(backend)
    job = {"statistics": tiny["statistics"], "translator": translator, "config": '{"batch": 2}'}
    one, two = (tmp_path / n for n in ("a.parquet", "b.parquet"))
    bases.execute("image_sample", **job, masks=masks, out=one, resamples=tmp_path / "t.parquet")
    bases.execute(
        "image_sample", **job | {"config": "{}"}, masks=masks, out=two, resamples=tmp_path / "t.parquet"
    )
    assert one.read_bytes() == two.read_bytes()
    assert images(tmp_path / "t.parquet")[0].tobytes() != images(one)[0].tobytes()
    job["resamples"] = tmp_path / "t.parquet"
    dark, bright = (made(tmp_path, job, np.full((32, 32), k, np.uint8)) for k in (1, 2))
    assert dark.tobytes() != bright.tobytes()
    if backend == "pix2pix":  # the other never sees which mask an image has
        assert bright.mean() > dark.mean() + 100


def test_collages_are_cut_from_train_tiles_without_a_model(
    tiny: dict[str, Any], masks: Path, tmp_path: Path
) -> None:
    out, resamples = tmp_path / "pairs.parquet", tmp_path / "resamples.parquet"
    job = {
        "statistics": tiny["statistics"],
        "tiles": tiny["tiles"],
        "config": '{"source": "collage", "batch": 2}',
    }
    bases.execute("image_sample", **job, masks=masks, out=out, resamples=resamples)
    real = {s.id: s for s in samples.read(tiny["tiles"])}
    for pair, mask, twin in zip(*(samples.read(p) for p in (out, masks, resamples)), strict=True):
        assert pair.mask == mask.mask
        assert {real[p].split for p in pair.parents} == {"train"}
        assert twin.image != pair.image
        assert 0 < score(pair.quality, "one_tile") <= 1
    assert "image_model" not in samples.metadata(out)
    assert samples.metadata(out)["collage"] == 0


@pytest.mark.parametrize("config", ['{"source": "collage"}', '{"collage": {"strength": 0.5}}'])
def test_collages_without_tiles_are_an_error(
    job: dict[str, Any], masks: Path, config: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="--tiles: is needed for collages"):
        bases.execute("image_sample", **job | {"config": config}, masks=masks, out=tmp_path / "o.parquet")


@pytest.mark.parametrize(
    "more", ['"steps": 4', '"steps": 4, "solver": "dpm++"', '"steps": 1', '"precision": "bf16", "steps": 4']
)
def test_a_start_from_collages_does_not_depend_on_the_batch(
    job: dict[str, Any], tiny: dict[str, Any], masks: Path, more: str, tmp_path: Path
) -> None:
    found = []
    for batch in (1, 3):
        text = f'{{"collage": {{"strength": 0.5}}, "batch": {batch}, {more}}}'
        one = job | {"tiles": tiny["tiles"], "config": text}
        bases.execute("image_sample", **one, masks=masks, out=tmp_path / "o.parquet")
        found.append(list(samples.read(tmp_path / "o.parquet")))
    for a, b in zip(*found, strict=True):
        assert (a.parents, a.quality) == (b.parents, b.quality)
        assert np.abs(a.image_array().astype(int) - b.image_array()).mean() <= 40 * ("bf16" in more) + 1


def test_only_the_steps_that_a_start_leaves_are_corrected(
    job: dict[str, Any], tiny: dict[str, Any], masks: Path, run_dir: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    seen = []

    class Counted(JudgeFeedback):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            seen.append(self.last)

    monkeypatch.setattr(images_by_diffusion, "JudgeFeedback", Counted)
    text = '{"steps": 10, "collage": {"strength": 0.4}, "feedback": {"weight": 0.1}}'
    one = job | {"tiles": tiny["tiles"], "judge": run_dir, "config": text}
    bases.execute("image_sample", **one, masks=masks, out=tmp_path / "o.parquet")
    assert set(seen) == {2}  # half of four


def test_a_start_from_collages_is_nearer_to_them_with_less_noise(
    job: dict[str, Any], tiny: dict[str, Any], masks: Path, pairs: Path, tmp_path: Path
) -> None:
    def images_of(config: str) -> NDArray[Any]:
        out = tmp_path / "out.parquet"
        tiles = {"tiles": tiny["tiles"]}
        bases.execute("image_sample", **job | tiles | {"config": config}, masks=masks, out=out)
        assert all(s.parents for s in samples.read(out))
        return np.stack(images(out)).astype(float)

    statistics, model = Statistics.load(tiny["statistics"]), bundle.load(job["base"])
    paste = torch.from_numpy(statistics.scale(images_of('{"source": "collage"}')))
    with torch.no_grad():
        copy = statistics.unscale(model.decode(model.encode(paste)).numpy()).astype(float)
    near, far = (images_of(f'{{"steps": 20, "collage": {{"strength": {s}}}}}') for s in (0.05, 0.9))
    assert 2 * np.abs(near - copy).mean() < np.abs(far - copy).mean()


def painted(folder: Path, job: dict[str, Any], row: Sample, config: str = '{"steps": 3}') -> NDArray[Any]:
    """The image of one sample."""
    shard, out = folder / "masks.parquet", folder / "pairs.parquet"
    samples.write(shard, [row])
    bases.execute("image_sample", **job | {"masks": shard, "out": out, "config": config})
    return images(out)[0].astype(int)


def test_metadata_and_coarse_images_are_told(
    job: dict[str, Any], tiny: dict[str, Any], told: Path, tmp_path: Path
) -> None:
    real, other = list(samples.read(tiny["tiles"][0]))[1:3]
    real, job = replace(real, seed=5, caption="satellite image"), job | {"controlnet": told}
    own = painted(tmp_path, job, real)
    assert np.array_equal(own, painted(tmp_path, job, real))
    assert not np.array_equal(own, painted(tmp_path, job, replace(real, image=other.image)))
    assert not np.array_equal(own, painted(tmp_path, job, replace(real, image=None)))
    assert not np.array_equal(own, painted(tmp_path, job, replace(real, meta=Meta(gsd=10))))


def test_each_condition_has_its_own_guidance(
    job: dict[str, Any], tiny: dict[str, Any], told: Path, tmp_path: Path
) -> None:
    real = replace(list(samples.read(tiny["tiles"][0]))[1], seed=5, meta=Meta(gsd=10))
    job = job | {"controlnet": told}
    number, named, two = (
        painted(tmp_path, job, real, f'{{"steps": 3, "guidance": {g}}}')
        for g in ("2", '{"text": 2}', '{"text": 2, "low_resolution": 3}')
    )
    assert np.array_equal(number, named)
    assert not np.array_equal(named, two)


def test_guidance_by_what_was_never_left_out_is_an_input_error(
    job: dict[str, Any], masks: Path, told: Path, controlnet: Path, tmp_path: Path
) -> None:
    wanted = {"masks": masks, "out": tmp_path / "o.parquet"}
    for model, name in ((told, "mask"), (controlnet, "metadata")):
        config = f'{{"steps": 3, "guidance": {{"{name}": 2}}}}'
        with pytest.raises(InputError, match=rf"image_sample\.guidance: asks for {name} to be left out"):
            bases.execute("image_sample", **job | wanted | {"controlnet": model, "config": config})


def test_a_mask_that_brings_an_image_may_start_from_it(
    job: dict[str, Any], tiny: dict[str, Any], tmp_path: Path
) -> None:
    """No tiles are needed then, and without a model the image is the one that came."""
    rows = list(samples.read(tiny["tiles"][0]))[:2]
    shard, out = tmp_path / "masks.parquet", tmp_path / "pairs.parquet"
    samples.write(shard, [replace(r, parents=["a", "b"]) for r in rows])
    own = '"collage": {"source": "own", "strength": 0.05}'
    cut = {k: job[k] for k in ("statistics", "resamples")}
    text = f'{{"source": "collage", {own}}}'
    bases.execute("image_sample", **cut | {"masks": shard, "out": out, "config": text})
    kept = list(samples.read(out))
    assert [s.parents for s in kept] == [["a", "b"]] * 2
    statistics = Statistics.load(tiny["statistics"])
    for was, now in zip(rows, kept, strict=True):
        scaled = statistics.unscale(statistics.scale(was.image_array()))
        assert np.array_equal(now.image_array(), scaled)
    text = f'{{"steps": 20, {own}}}'
    bases.execute("image_sample", **job | {"masks": shard, "out": out, "config": text})
    near = np.abs(np.stack(images(out)).astype(float) - np.stack([r.image_array() for r in rows])).mean()
    bases.execute("image_sample", **job | {"masks": shard, "out": out, "config": '{"steps": 3}'})
    far = np.abs(np.stack(images(out)).astype(float) - np.stack([r.image_array() for r in rows])).mean()
    assert near < far


def test_a_start_from_an_image_that_is_not_there_is_an_error(
    job: dict[str, Any], masks: Path, tmp_path: Path
) -> None:
    text = '{"steps": 20, "collage": {"source": "own", "strength": 0.1}}'
    with pytest.raises(InputError, match="its mask has no image to start from"):
        bases.execute("image_sample", **job | {"config": text}, masks=masks, out=tmp_path / "o.parquet")
