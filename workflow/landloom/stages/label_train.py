"""Class mix to mask: LoRA on the base's denoiser with a proportion-aware loss, or categorical diffusion."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import save_file

from landloom.conditions import registry
from landloom.conditions.base import Host
from landloom.conditions.group import Conditions
from landloom.conditions.ratios import Ratios
from landloom.config.label_train import LabelTrainConfig
from landloom.config.run import DEFAULT, RunConfig
from landloom.config.training import Training
from landloom.data import pictures
from landloom.data.statistics import Statistics
from landloom.diffusion import latent_cache, lora
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.objective import DenoisingObjective
from landloom.mask_diffusion.network import MaskDenoiser
from landloom.mask_diffusion.objective import CategoricalObjective
from landloom.models import bundle, cards
from landloom.models.families.base import Bundle
from landloom.ratio_control.proportion import LatentProbe, ProbeObjective, ProportionTerm, decoded
from landloom.runtime.command_line import How, In, Ins, Out, State
from landloom.training.loop import device, train
from landloom.training.metrics_log import metrics_path

VERSION = 8


def run(
    config: LabelTrainConfig,
    seed: int,
    statistics: In,
    state: State,
    out: Out,
    metrics: Out,
    tiles: Ins | None = None,
    base: In | None = None,
    latents: Ins | None = None,
    run: How = DEFAULT,
) -> None:
    """Train the mask generator and write its folder.

    The 'lora' back-end reads base and latents and writes what ``load_lora_weights`` reads. The 'categorical'
    one reads tiles and writes what ``MaskDenoiser.from_pretrained`` reads.
    """
    dataset = Statistics.load(statistics)
    if config.backend == "categorical":
        assert tiles is not None
        train_categorical(config, run, seed, dataset, tiles, state / "categorical", out)
        shutil.copy(metrics_path(state / "categorical"), metrics)
    else:
        assert base is not None
        assert latents is not None
        train_lora(config, run, seed, dataset, base, latent_cache.load(latents, ["masks"]), state, out)
        shutil.copy(metrics_path(state / "lora"), metrics)


def train_categorical(
    config: LabelTrainConfig, how: RunConfig, seed: int, dataset: Statistics, tiles: Sequence[Path],
    state: Path, out: Path,
) -> None:  # fmt: skip
    """Train a network on the class indices of train tiles.

    Raises:
        InputError: there is no train tile.
    """
    size, own, labels = dataset.size, config.categorical, pictures.masks(dataset, tiles)
    torch.manual_seed(seed)
    model = MaskDenoiser(len(dataset.classes), size, channels=own.channels)
    ratios = Ratios(None, len(dataset.classes), config.vector.dropout, config.vector.partial)
    train(CategoricalObjective(model, labels, ratios), config, how, seed, state, "mask diffusion")
    model.save_pretrained(out)
    registry.save(Conditions([ratios]), out)
    (out / "README.md").write_text(cards.categorical(dataset, config))


def train_lora(
    config: LabelTrainConfig, how: RunConfig, seed: int, dataset: Statistics, base: Path,
    data: latent_cache.LatentCache, state: Path, out: Path,
) -> None:  # fmt: skip
    """Train LoRA matrices on the base's denoiser; the latent probe and the ratio tokens lie beside them."""
    model, classes = bundle.trained(base, "label_train", config).to(device()), len(dataset.classes)
    out.mkdir()
    probe = fit_probe(config, how, seed, data, classes, state / "probe", out)
    term = proportion_term(config, model, probe, classes) if config.proportion.weight else None
    torch.manual_seed(seed)
    alpha = config.alpha or config.rank
    model.network.add_adapter(LoraConfig(r=config.rank, lora_alpha=alpha, target_modules=config.targets))
    told = registry.told(config, Host(dataset, "prompt", data.text, model.time))
    denoiser = Denoiser(model, told)
    weight, columns = config.proportion.weight, data.columns
    objective = DenoisingObjective(
        denoiser, model.scheduler, data.masks, columns, config.min_snr, term, weight
    )  # fmt: skip
    train(objective, config, how, seed, state / "lora", "label LoRA")
    lora.save(model, out)
    registry.save(denoiser.conditions, out)
    (out / "README.md").write_text(cards.lora(dataset, config, model.pipeline.__name__))


def fit_probe(
    config: LabelTrainConfig, how: RunConfig, seed: int, data: latent_cache.LatentCache, classes: int,
    state: Path, out: Path,
) -> LatentProbe | None:  # fmt: skip
    """Fit the latent probe to real masks and store it beside the LoRA; None when it has no steps."""
    if not config.proportion.probe_steps:
        return None
    torch.manual_seed(seed)
    probe = LatentProbe(data.masks.shape[2], classes)
    batch = max(32 // config.processes, 1) * config.processes
    settings = Training(steps=config.proportion.probe_steps, batch=batch, lr=3e-3, warmup=20)
    train(ProbeObjective(probe, data.masks, data.labels, classes), settings, how, seed, state, "latent probe")
    probe.requires_grad_(False)
    save_file(probe.state_dict(), out / "probe.safetensors")
    return probe


def proportion_term(
    config: LabelTrainConfig, model: Bundle, probe: LatentProbe | None, classes: int
) -> ProportionTerm:
    """The proportion-aware term by the configured route."""
    own = config.proportion
    if own.route == "decode":
        palette = torch.from_numpy(model.palette(classes))
        return ProportionTerm(decoded(model.decode, palette), own)
    assert probe is not None
    return ProportionTerm(probe.proportions, own)
