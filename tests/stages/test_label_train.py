import json
import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from landloom.config.label_sample import LabelSampleConfig
from landloom.config.label_train import ProportionLoss
from landloom.config.metadata import MetadataConfig
from landloom.data.samples import Meta
from landloom.data.statistics import Statistics
from landloom.diffusion import latent_cache
from landloom.diffusion.masks import LoraMasks
from landloom.diffusion.objective import DenoisingObjective
from landloom.errors import Interrupted
from landloom.mask_diffusion.objective import CategoricalObjective
from landloom.models import bundle
from landloom.provenance import records
from landloom.ratio_control.choice import Request
from landloom.ratio_control.proportion import ProbeObjective
from tests import bases
from tests.stages.conftest import CATEGORICAL, LABEL, cut, hold, outputs, run

QUICK = LABEL.model_copy(update={"steps": 3, "proportion": ProportionLoss(weight=0, probe_steps=0)})


def metrics(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out.parent / "metrics.jsonl").read_text().splitlines()]


def test_the_folder_holds_adapter_probe_and_card(lora: Path) -> None:
    assert {p.name for p in lora.iterdir()} == {
        "pytorch_lora_weights.safetensors", "probe.safetensors", "text.safetensors", "conditions.json",
        "README.md",
    }  # fmt: skip
    text = (lora / "README.md").read_text()
    assert all(name in text for name in bases.NAMES)
    assert '"rank": 4' in text
    weights = load_file(lora / "pytorch_lora_weights.safetensors")
    assert all(k.startswith("unet.") for k in weights)
    assert all(w.abs().max() > 0 for k, w in weights.items())  # the second matrices start as zeros


def test_the_header_has_one_order(lora: Path) -> None:
    """A second key or a set would change places from process to process."""
    with safe_open(lora / "pytorch_lora_weights.safetensors", "pt") as file:
        found = file.metadata()
    assert list(found) == ["lora_adapter_metadata"]
    assert json.loads(found["lora_adapter_metadata"])["unet.target_modules"] == sorted(LABEL.targets)


def test_metrics_show_both_terms(lora: Path) -> None:
    rows = metrics(lora)
    assert [r["step"] for r in rows] == list(range(1, LABEL.steps + 1))
    for r in rows:
        assert r["loss"] == pytest.approx(r["ldm"] + 0.1 * r["proportion"], rel=1e-4)


def test_training_makes_the_denoiser_better(lora: Path, base: Path, latents: list[Path]) -> None:
    model, data = bundle.load(base).to(torch.device("cpu")), latent_cache.load(latents)
    told = bases.denoiser(model, words=data.text, column="prompt")
    objective = DenoisingObjective(told, model.scheduler, data.masks, data.columns, LABEL.min_snr)

    def mean() -> float:
        torch.manual_seed(0)
        with torch.no_grad():
            return sum(objective.loss(told, torch.arange(8))["loss"].item() for _ in range(10))

    before = mean()
    model.unet.load_lora_adapter(lora, prefix="unet", use_safetensors=True)
    assert mean() < before


def test_the_record_names_base_and_latents(lora: Path, base: Path, latents: list[Path]) -> None:
    found = bases.record(lora)
    assert (found["stage"], found["sha256"]) == ("label_train", records.digest(lora))
    assert found["inputs"][str(base)] == records.digest(base)
    assert {str(p) for p in latents} < set(found["inputs"])
    assert found["parameters"]["config"]["rank"] == 4


def test_the_same_seed_gives_the_same_bytes(lora: Path, label_job: dict[str, Any], tmp_path: Path) -> None:
    assert records.digest(run("label_train", label_job, tmp_path)) == records.digest(lora)


def test_half_precision_follows_a_probe_in_full(label_job: dict[str, Any], tmp_path: Path) -> None:
    config = LABEL.model_copy(update={"steps": 2, "precision": "bf16"})
    rows = metrics(run("label_train", label_job | {"config": config}, tmp_path))
    assert [r["step"] for r in rows] == [1, 2]


def test_another_seed_gives_other_weights(label_job: dict[str, Any], tmp_path: Path) -> None:
    made = [run("label_train", label_job | {"config": QUICK, "seed": s}, tmp_path / str(s)) for s in (1, 2)]
    assert records.digest(made[0]) != records.digest(made[1])


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, Interrupted.CODE)]
)
def test_cut_off_it_ends_at_the_same_bytes(
    lora: Path, label_job: dict[str, Any], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    job = label_job | outputs("label_train", tmp_path)
    assert bases.interrupted("label_train", number, "lora/checkpoint.pt", **job) == code
    assert not (tmp_path / "out").exists()
    saved = torch.load(next(tmp_path.rglob("lora/checkpoint.pt")))
    assert 0 < saved["step"] < LABEL.steps
    again = run("label_train", label_job, tmp_path)
    assert records.digest(again) == records.digest(lora)
    assert [r["loss"] for r in metrics(again)] == [r["loss"] for r in metrics(lora)]


def test_a_changed_config_starts_afresh(
    label_job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = label_job | {"config": QUICK.model_copy(update={"lr": 1e-3})}
    clean = run("label_train", changed, tmp_path / "clean")
    plain = DenoisingObjective.loss

    def stopped(self: DenoisingObjective, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        os.kill(os.getpid(), signal.SIGTERM)
        return plain(self, module, index)

    monkeypatch.setattr(DenoisingObjective, "loss", stopped)
    with pytest.raises(Interrupted):
        run("label_train", label_job | {"config": QUICK}, tmp_path / "used")
    monkeypatch.undo()
    again = run("label_train", changed, tmp_path / "used")
    assert records.digest(again) == records.digest(clean)
    assert len(list((tmp_path / "used").rglob("checkpoint.pt"))) == 1  # the stopped job can still go on


def test_the_decode_route_needs_no_probe(label_job: dict[str, Any], tmp_path: Path) -> None:
    own = ProportionLoss(route="decode", weight=1.0, probe_steps=0)
    config = QUICK.model_copy(update={"proportion": own})
    out = run("label_train", label_job | {"config": config}, tmp_path)
    assert not (out / "probe.safetensors").exists()
    assert all(r["proportion"] > 0 for r in metrics(out))


def test_weight_0_switches_the_term_off(label_job: dict[str, Any], tmp_path: Path) -> None:
    out = run("label_train", label_job | {"config": QUICK}, tmp_path)
    assert not (out / "probe.safetensors").exists()
    assert "proportion" not in metrics(out)[0]


def test_the_probe_is_there_for_guidance_without_the_loss(label_job: dict[str, Any], tmp_path: Path) -> None:
    config = QUICK.model_copy(update={"proportion": ProportionLoss(weight=0, probe_steps=2)})
    out = run("label_train", label_job | {"config": config}, tmp_path)
    assert (out / "probe.safetensors").exists()
    assert "proportion" not in metrics(out)[0]


def test_ratio_tokens_are_trained_and_lie_beside_the_lora(vector: Path, lora: Path) -> None:
    assert {p.name for p in vector.iterdir()} - {p.name for p in lora.iterdir()} == {"vector.safetensors"}
    weights = load_file(vector / "vector.safetensors")
    assert all(w.abs().max() > 0 for w in weights.values())  # the last layer starts as zeros
    assert (
        load_file(vector / "pytorch_lora_weights.safetensors").keys()
        == load_file(lora / "pytorch_lora_weights.safetensors").keys()
    )


def test_diffusers_loads_a_lora_with_ratio_tokens_beside_it(vector: Path, base: Path) -> None:
    pipe = StableDiffusionPipeline.from_pretrained(base, local_files_only=True)
    pipe.load_lora_weights(vector, local_files_only=True)
    assert pipe.get_active_adapters()


def test_a_lora_that_is_told_metadata_is_one_that_diffusers_loads(
    label_job: dict[str, Any], lora: Path, base: Path, tmp_path: Path
) -> None:
    config = LABEL.model_copy(update={"metadata": MetadataConfig(), "steps": 10})
    out = run("label_train", label_job | {"config": config}, tmp_path)
    assert {p.name for p in out.iterdir()} - {p.name for p in lora.iterdir()} == {"metadata.safetensors"}
    assert load_file(out / "metadata.safetensors")["last.weight"].abs().max() > 0
    pipe = StableDiffusionPipeline.from_pretrained(base, local_files_only=True)
    pipe.load_lora_weights(out, local_files_only=True)
    assert pipe.get_active_adapters()
    assert (
        load_file(out / "pytorch_lora_weights.safetensors").keys()
        == load_file(lora / "pytorch_lora_weights.safetensors").keys()
    )
    sampler = LoraMasks(base, out, Statistics.load(label_job["statistics"]), LabelSampleConfig(steps=2))
    shares = np.array([0.5, 0.3, 0.2])
    asked = Request(shares, shares, "segmentation map", 3)
    known = replace(asked, meta=Meta(gsd=10.0))
    plain, told = (sampler([r], 0)[0].cost for r in (asked, known))
    assert not np.array_equal(plain, told)


def test_the_categorical_folder_holds_network_and_card(categorical: Path) -> None:
    assert {p.name for p in categorical.iterdir()} == {
        "config.json", "diffusion_pytorch_model.safetensors", "conditions.json", "README.md",
    }  # fmt: skip
    found = json.loads((categorical / "config.json").read_text())
    assert (found["classes"], found["size"]) == (3, bases.SIDE)
    assert all(name in (categorical / "README.md").read_text() for name in bases.NAMES)
    assert len(metrics(categorical)) == CATEGORICAL.steps


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, Interrupted.CODE)]
)
def test_categorical_training_that_is_cut_off_ends_at_the_same_bytes(
    categorical: Path, categorical_job: dict[str, Any], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    job = categorical_job | outputs("label_train", tmp_path)
    assert bases.interrupted("label_train", number, "categorical/checkpoint.pt", **job) == code
    saved = torch.load(next(tmp_path.rglob("categorical/checkpoint.pt")))
    assert 0 < saved["step"] < CATEGORICAL.steps
    again = run("label_train", categorical_job, tmp_path)
    assert records.digest(again) == records.digest(categorical)


def test_alpha_sets_the_scale(label_job: dict[str, Any], tmp_path: Path) -> None:
    config = QUICK.model_copy(update={"alpha": 8})
    out = run("label_train", label_job | {"config": config}, tmp_path)
    unet = UNet2DConditionModel.from_pretrained(label_job["base"] / "unet")
    unet.load_lora_adapter(out, prefix="unet", use_safetensors=True)
    found = next(iter(unet.peft_config.values()))
    assert (found.r, found.lora_alpha) == (4, 8)


@pytest.mark.parametrize("kind", [ProbeObjective, DenoisingObjective])
def test_streamed_rows_give_the_same_bytes_also_when_cut_off(
    lora: Path, label_job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Any]
) -> None:
    most = hold(monkeypatch, 9000)
    streamed = cut(monkeypatch, kind, 3, "label_train", label_job, tmp_path)
    assert records.digest(streamed) == records.digest(lora)
    assert most
    assert all(held < count for held, count in most)


def test_streamed_masks_give_the_same_categorical_generator(
    categorical: Path, categorical_job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = hold(monkeypatch, 3 * bases.SIDE**2)
    streamed = cut(monkeypatch, CategoricalObjective, 3, "label_train", categorical_job, tmp_path)
    assert records.digest(streamed) == records.digest(categorical)
    assert max(most) == (3, 8)
