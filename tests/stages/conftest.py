"""A tiny base, LoRA and ControlNet, each trained once a session through the command line."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

from landloom.config.image_train import CycleGanConfig, ImageTrainConfig, Pix2PixConfig
from landloom.config.label_train import CategoricalConfig, LabelTrainConfig, ProportionLoss, VectorConfig
from landloom.config.low_resolution import CoarseConfig, LowResolutionConfig
from landloom.config.metadata import MetadataConfig
from landloom.config.plan import PlanConfig
from landloom.data import held_tiles
from landloom.data.held_rows import HeldRows
from landloom.errors import Interrupted
from tests import bases

LABEL = LabelTrainConfig(
    steps=40,
    threads=1,
    batch=4,
    lr=2e-3,
    warmup=2,
    rank=4,
    proportion=ProportionLoss(probe_steps=10),
)
CATEGORICAL = LabelTrainConfig(
    backend="categorical",
    steps=30,
    threads=1,
    batch=4,
    lr=2e-3,
    warmup=2,
    categorical=CategoricalConfig(channels=(32,)),
)
VECTOR = LABEL.model_copy(update={"vector": VectorConfig(tokens=2), "steps": 10})
IMAGE = ImageTrainConfig(threads=1, steps=30, batch=4, lr=1e-2, warmup=2)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Card, tiles, captions and ratios."""
    return bases.data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def base_job(tiny: dict[str, Any]) -> dict[str, Any]:
    """Arguments of ``base``, all but its outputs and state."""
    own = {"config": bases.BASE, "seed": 1, "run": bases.EVERY_STEP}
    return own | {k: tiny[k] for k in ("statistics", "tiles", "captions")}


@pytest.fixture(scope="session")
def base(base_job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base model."""
    return run("base", base_job, tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def latents(tiny: dict[str, Any], base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The latent cache of both scenes."""
    outputs = [tmp_path_factory.mktemp("latents") / f"{p.stem}.safetensors" for p in tiny["tiles"]]
    for tiles, captions, out in zip(tiny["tiles"], tiny["captions"], outputs, strict=True):
        job = {
            "statistics": tiny["statistics"],
            "base": base,
            "tiles": tiles,
            "captions": captions,
            "out": out,
        }
        bases.execute("encode", config=bases.ENCODE, **job)
    return outputs


@pytest.fixture(scope="session")
def label_job(tiny: dict[str, Any], base: Path, latents: list[Path]) -> dict[str, Any]:
    """Arguments of ``label_train``, all but its outputs and state."""
    return {
        "run": bases.EVERY_STEP,
        "config": LABEL,
        "seed": 2,
        "statistics": tiny["statistics"],
        "base": base,
        "latents": latents,
    }


@pytest.fixture(scope="session")
def lora(label_job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The label LoRA."""
    return run("label_train", label_job, tmp_path_factory.mktemp("lora"))


@pytest.fixture(scope="session")
def vector(label_job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The label LoRA with ratio tokens."""
    return run("label_train", label_job | {"config": VECTOR}, tmp_path_factory.mktemp("vector"))


@pytest.fixture(scope="session")
def categorical_job(tiny: dict[str, Any]) -> dict[str, Any]:
    """Arguments of ``label_train`` for the back-end without a base."""
    return {
        "run": bases.EVERY_STEP,
        "config": CATEGORICAL,
        "seed": 2,
        "statistics": tiny["statistics"],
        "tiles": tiny["tiles"],
    }


@pytest.fixture(scope="session")
def categorical(categorical_job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The categorical mask generator."""
    return run("label_train", categorical_job, tmp_path_factory.mktemp("categorical"))


@pytest.fixture(scope="session")
def image_job(label_job: dict[str, Any]) -> dict[str, Any]:
    """Arguments of ``image_train``, all but its outputs and state."""
    return label_job | {"config": IMAGE, "seed": 3}


@pytest.fixture(scope="session")
def controlnet(image_job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image ControlNet."""
    return run("image_train", image_job, tmp_path_factory.mktemp("controlnet"))


@pytest.fixture(scope="session")
def told_latents(tiny: dict[str, Any], base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The latent cache of the first scene, with coarse images."""
    out = tmp_path_factory.mktemp("told") / "latents.safetensors"
    config = bases.ENCODE.model_copy(update={"low_resolution": CoarseConfig(factor=4)})
    job = {"statistics": tiny["statistics"], "base": base, "out": out, "config": config}
    bases.execute("encode", **job, tiles=tiny["tiles"][0], captions=tiny["captions"][0])
    return [out]


@pytest.fixture(scope="session")
def told(
    image_job: dict[str, Any], told_latents: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An image generator that is told metadata and coarse images, too."""
    own = {"metadata": MetadataConfig(), "low_resolution": LowResolutionConfig(factor=4)}
    job = image_job | {"config": IMAGE.model_copy(update=own), "latents": told_latents}
    return run("image_train", job, tmp_path_factory.mktemp("told"))


@pytest.fixture(scope="session")
def pix2pix_job(tiny: dict[str, Any]) -> dict[str, Any]:
    """Arguments of ``image_train`` for Pix2Pix, all but its outputs and state."""
    own = Pix2PixConfig(width=8, levels=3)
    config = IMAGE.model_copy(update={"backend": "pix2pix", "pix2pix": own, "steps": 40})
    return {"config": config, "seed": 3, "statistics": tiny["statistics"], "tiles": tiny["tiles"]}


@pytest.fixture(scope="session")
def pix2pix(pix2pix_job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Pix2Pix generator."""
    return run("image_train", pix2pix_job, tmp_path_factory.mktemp("pix2pix"))


@pytest.fixture(scope="session")
def cyclegan(pix2pix_job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CycleGAN generator."""
    own = CycleGanConfig(width=8, levels=3)
    config = IMAGE.model_copy(update={"backend": "cyclegan", "cyclegan": own, "steps": 40})
    return run("image_train", pix2pix_job | {"config": config}, tmp_path_factory.mktemp("cyclegan"))


@pytest.fixture(scope="session")
def plan(tiny: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five requests in two shards."""
    out = tmp_path_factory.mktemp("plan") / "plan.parquet"
    config = PlanConfig(count=5, shards=2)
    bases.execute(
        "plan",
        config=config,
        caption="{}",
        seed=4,
        statistics=tiny["statistics"],
        ratios=tiny["ratios"],
        out=out,
    )
    return out


@pytest.fixture(scope="session")
def masks(
    tiny: dict[str, Any], base: Path, lora: Path, plan: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The sampled masks of the first shard."""
    out = tmp_path_factory.mktemp("masks") / "masks.parquet"
    job = {
        "statistics": tiny["statistics"],
        "plan": plan,
        "tiles": tiny["tiles"],
        "base": base,
        "model": lora,
    }
    bases.execute("label_sample", config='{"steps": 3}', generator="g", shard=0, out=out, **job)
    return out


@pytest.fixture(scope="session")
def pairs(
    tiny: dict[str, Any], base: Path, controlnet: Path, masks: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The pairs of the first shard."""
    out = tmp_path_factory.mktemp("pairs") / "pairs.parquet"
    job = {
        "resamples": out.with_name("resamples.parquet"),
        "statistics": tiny["statistics"],
        "masks": masks,
        "base": base,
        "controlnet": controlnet,
    }
    bases.execute("image_sample", config='{"steps": 3}', out=out, **job)
    return out


def run(stage: str, job: dict[str, Any], folder: Path) -> Path:
    """Run a training stage in a folder; returns its output."""
    bases.execute(stage, **job, **outputs(stage, folder))
    return folder / "out"


def outputs(stage: str, folder: Path) -> dict[str, Path]:
    """Outputs and state of a training stage in a folder."""
    names = ("vae_metrics", "unet_metrics") if stage == "base" else ("metrics",)
    return {"out": folder / "out", "state": folder / "state"} | {n: folder / f"{n}.jsonl" for n in names}


def hold(patch: pytest.MonkeyPatch, size: int) -> list[tuple[int, int]]:
    """Let a training hold so many bytes; returns, as it grows, how many rows are held, and of how many."""
    patch.setattr(held_tiles, "HELD_BYTES", size)
    most, plain = list[tuple[int, int]](), HeldRows._keep

    def kept(self: HeldRows[Any], index: int, row: Any) -> None:
        plain(self, index, row)
        assert len(self.held) <= self.capacity
        most.append((len(self.held), len(self)))

    patch.setattr(HeldRows, "_keep", kept)
    return most


def cut(
    patch: pytest.MonkeyPatch, objective: type[Any], step: int, stage: str, job: dict[str, Any], folder: Path
) -> Path:
    """Run a training that is told to stop in a step, then again to its end."""
    steps, plain = 0, objective.loss

    def stopped(self: Any, module: nn.Module, index: Tensor) -> Mapping[str, Tensor]:
        nonlocal steps
        steps += 1
        if steps == step:
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(self, module, index)

    patch.setattr(objective, "loss", stopped)
    with pytest.raises(Interrupted):
        run(stage, job, folder)
    assert steps == step
    return run(stage, job, folder)
