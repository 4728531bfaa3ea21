import gc
import json
import shutil
import signal
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch

from landloom.data import pictures
from landloom.data.statistics import Statistics
from landloom.diffusion import latent_cache
from landloom.diffusion.autoencoder import AutoencoderObjective
from landloom.diffusion.objective import DenoisingObjective
from landloom.errors import InputError
from landloom.models import bundle
from landloom.provenance import records
from landloom.stages import base as stage
from landloom.stages.base import build, evenly
from tests import bases
from tests.stages.conftest import cut, hold, outputs, run


def linked(job: dict[str, Any], folder: Path, source: Path | str, **config: Any) -> Path:
    """Run the stage with a ready model."""
    settings = bases.BASE.model_copy(update={"source": str(source)} | config)
    return run("base", job | {"config": settings}, folder)


def test_a_scratch_base_is_a_diffusers_folder_for_the_bands(base: Path) -> None:
    names = {p.name for p in base.iterdir()}
    assert names == {"model_index.json", "vae", "unet", "text_encoder", "tokenizer", "scheduler"}
    model = bundle.load(base)
    assert (model.channels, model.factor) == (bases.BANDS, 2)
    assert model.tokenizer.tokenize("forest") == ["forest</w>"]


def test_latents_have_unit_scale(base: Path, latents: list[Path]) -> None:
    data = latent_cache.load(latents)
    assert torch.cat([data.images, data.masks]).std().item() == pytest.approx(1, abs=0.1)


def test_record_and_metrics_lie_beside_it(base: Path, base_job: dict[str, Any]) -> None:
    found = bases.record(base)
    assert (found["stage"], found["sha256"]) == ("base", records.digest(base))
    assert set(found["inputs"]) == {str(p) for k in ("tiles", "captions") for p in base_job[k]} | {
        str(base_job["statistics"])
    }
    rows = [json.loads(line) for line in (base.parent / "unet_metrics.jsonl").read_text().splitlines()]
    assert [r["step"] for r in rows] == list(range(1, bases.UNET.steps + 1))


def test_both_networks_and_the_text_encoder_were_trained(base: Path, base_job: dict[str, Any]) -> None:
    statistics = Statistics.load(base_job["statistics"])
    data = pictures.load(statistics, base_job["tiles"], base_job["captions"])
    torch.manual_seed(base_job["seed"])
    start, end = build(bases.BASE, statistics, data), bundle.load(base)
    for part in ("vae", "unet", "text_encoder"):
        before, after = getattr(start, part).state_dict(), getattr(end, part).state_dict()
        changed = [k for k in before if not torch.equal(before[k], after[k])]
        assert len(changed) > 0.9 * len(before), part


@pytest.mark.parametrize("masks", [True, False])
@pytest.mark.parametrize("count", [1, 7, 255, 256, 257, 700, 1025])
def test_pictures_for_the_latent_scale_are_spread_over_all(count: int, masks: bool) -> None:
    images = torch.arange(count).view(-1, 1, 1, 1).expand(count, 4, 2, 2).half()
    labels = torch.arange(count).view(-1, 1, 1).expand(count, 2, 2).remainder(3).to(torch.uint8)
    data = pictures.Pictures(images, labels, torch.zeros(count, 3), [], [], [str(i) for i in range(count)])
    palette = bases.bundle().palette(3)
    every = torch.cat([images, data.painted(palette)[:]]) if masks else images
    found = torch.cat([part[torch.arange(len(part))] for part in evenly(data, palette, masks)])
    assert torch.equal(found, every[:: max(1, len(every) // 512)])


def test_a_base_can_learn_images_alone(base: Path, base_job: dict[str, Any], tmp_path: Path) -> None:
    config = bases.BASE.model_copy(update={"masks": False})
    model = bundle.load(run("base", base_job | {"config": config}, tmp_path))
    data = pictures.load(Statistics.load(base_job["statistics"]), base_job["tiles"], base_job["captions"])
    seen = AutoencoderObjective(model.vae, data.images, None, model.palette(3), config.vae, "none")
    assert seen.size == len(data.images)

    def spread(model: bundle.Bundle) -> float:
        return torch.cat([*latent_cache.encoded(model, [data.images], "none", 8)]).std().item()

    assert spread(model) == pytest.approx(1, abs=1e-3)
    assert spread(bundle.load(base)) != pytest.approx(1, abs=0.01)  # its scale is that of masks, too


def test_killed_in_the_denoiser_it_ends_at_the_same_bytes(
    base: Path, base_job: dict[str, Any], tmp_path: Path
) -> None:
    job = base_job | outputs("base", tmp_path)
    assert bases.interrupted("base", signal.SIGKILL, "unet/checkpoint.pt", **job) == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    step = torch.load(next(tmp_path.rglob("unet/checkpoint.pt")))["step"]
    assert 0 < step < bases.UNET.steps
    assert records.digest(run("base", base_job, tmp_path)) == records.digest(base)


def test_a_ready_model_is_linked_not_copied(base: Path, base_job: dict[str, Any], tmp_path: Path) -> None:
    out = linked(base_job, tmp_path, base, sha256=records.digest(base))
    files = [p for p in out.rglob("*") if not p.is_dir()]
    wanted = {p.relative_to(base) for p in base.rglob("*") if p.is_file()}
    assert {p.relative_to(out) for p in files} == wanted
    assert all(p.is_symlink() and p.readlink().is_absolute() for p in files)
    assert records.digest(out) == records.digest(base)
    assert (tmp_path / "unet_metrics.jsonl").read_text() == ""


def test_other_bands_are_an_input_error(base: Path, base_job: dict[str, Any], tmp_path: Path) -> None:
    statistics = tmp_path / "statistics.json"
    bases.dataset().model_copy(update={"bands": 3}).save(statistics)
    with pytest.raises(InputError, match="the model takes 4 bands, the dataset has 3"):
        linked(base_job | {"statistics": statistics}, tmp_path, base)
    assert not (tmp_path / "out").exists()
    assert (base / "model_index.json").exists()  # removing the links leaves the model


def test_an_incomplete_model_is_an_input_error(base: Path, base_job: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(base, tmp_path / "model")
    shutil.rmtree(tmp_path / "model" / "unet")
    with pytest.raises(InputError, match="cannot be loaded"):
        linked(base_job, tmp_path, tmp_path / "model")


def test_a_hub_id_without_revision_is_an_input_error(base_job: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no revision"):
        linked(base_job, tmp_path, "org/model")


def test_a_wrong_digest_is_an_input_error(base: Path, base_job: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"base\.sha256"):
        linked(base_job, tmp_path, base, sha256="0" * 64)


@pytest.mark.parametrize("kind", [AutoencoderObjective, DenoisingObjective])
def test_streamed_tiles_and_latents_give_the_same_base_also_when_cut_off(
    base: Path, base_job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Any]
) -> None:
    most = hold(monkeypatch, 3 * bases.SIDE**2 * 9)
    streamed = cut(monkeypatch, kind, 3, "base", base_job, tmp_path)
    assert records.digest(streamed) == records.digest(base)
    assert {count for _, count in most} == {8, 16 * 2}  # tiles, and latents of two variants
    assert all(held < count for held, count in most)


def test_tiles_make_room_for_latents(
    base_job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[weakref.ref[Any]] = []
    load, denoise = pictures.load, stage.train_denoiser

    def loaded(*given: Any, **more: Any) -> pictures.Pictures:
        data = load(*given, **more)
        seen.append(weakref.ref(data.images.tiles))  # type: ignore[attr-defined]
        return data

    def denoised(*given: Any) -> None:
        gc.collect()
        assert seen[0]() is None
        denoise(*given)
        seen.clear()

    monkeypatch.setattr(pictures, "load", loaded)
    monkeypatch.setattr(stage, "train_denoiser", denoised)
    run("base", base_job, tmp_path)
    assert not seen
