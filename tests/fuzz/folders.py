"""Model folders: weights (safetensors) and configs (JSON), and other files of tensors."""

from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import save_file

from landloom.conditions import location_encoder, registry
from landloom.conditions.group import Conditions
from landloom.conditions.ratios import Ratios, VectorTokens
from landloom.conditions.text import Text
from landloom.config.detect import Detector
from landloom.config.image_train import ImageTrainConfig
from landloom.config.segment import Network
from landloom.data import tensor_file
from landloom.detection import networks as detectors
from landloom.diffusion import controlnet, latent_cache, lora
from landloom.diffusion.masks import load_probe
from landloom.gan import networks as gan
from landloom.mask_diffusion.masks import CategoricalMasks
from landloom.mask_diffusion.network import MaskDenoiser
from landloom.metrics import known
from landloom.models import bundle, layout
from landloom.ratio_control.proportion import LatentProbe
from landloom.segmentation import networks, pretrained
from tests import bases
from tests.conditions.test_location_encoder import weights as places
from tests.fuzz.target import Target


def _base(folder: Path) -> None:
    bases.bundle().save(folder / "base")


def _base_checked(folder: Path) -> None:
    """As ``check`` looks at a base: nothing is loaded."""
    for problem in (*layout.incomplete(folder / "base"), *layout.unfit(folder / "base", 32)):
        raise problem


def _base_read(folder: Path) -> None:
    bundle.load(folder / "base")


def _trained(folder: Path) -> None:
    """What lies beside a trained generator."""
    tokens = VectorTokens(3, 2, 8)
    known = [Text(torch.zeros(1, 4, 8), "caption", 0.1), Ratios(tokens, 3, 0.1)]
    registry.save(Conditions(known), folder)  # type: ignore[arg-type]
    save_file(LatentProbe(4, 3).state_dict(), folder / "probe.safetensors")


def _trained_read(folder: Path) -> None:
    registry.load(folder)
    load_probe(folder, 3)


def _adapted(folder: Path) -> None:
    """What ``label_train`` and ``image_train`` write: a LoRA, and a ControlNet with its decoder."""
    config = ImageTrainConfig(init="small", unlock=True)
    model = bases.bundle()
    model.network.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights="gaussian"))
    lora.save(model, folder / "lora")
    model = bases.bundle()
    controlnet.save(folder / "control", controlnet.build(config, model, 3), model, config)


def _lora_read(folder: Path) -> None:
    lora.load(bases.bundle(), folder / "lora")


def _control_read(folder: Path) -> None:
    controlnet.load(folder / "control", bases.bundle(), torch.device("cpu"), torch.float32)


def _judge(folder: Path) -> None:
    network = Network(architecture="FPN", encoder="mobilenet_v2")
    networks.save(networks.build(network, 3, 3), folder / "judge")


def _judge_read(folder: Path) -> None:
    networks.load(folder / "judge")


def _detector(folder: Path) -> None:
    network = Detector(encoder="resnet18", width=8)
    detectors.save(detectors.build(network, 3, ["ship"], "rotated"), folder / "detector")


def _detector_read(folder: Path) -> None:
    detectors.load(folder / "detector")


def _gan(folder: Path) -> None:
    gan.Generator(classes=3, bands=3, width=4, levels=3).save(folder)


def _masks(folder: Path) -> None:
    MaskDenoiser(classes=3, size=32, channels=(32, 32)).save_pretrained(folder / "masks")


def _masks_read(folder: Path) -> None:
    from landloom.config.label_sample import LabelSampleConfig

    CategoricalMasks(folder / "masks", LabelSampleConfig())


def _latents(folder: Path) -> None:
    bases.store(bases.cache(), folder / "latents.safetensors")
    known.Known(torch.zeros(2, 4), ["a", "b"]).save(folder / "features.safetensors")
    save_file(places(), folder / "places.safetensors")


def _latents_read(folder: Path) -> None:
    tensor_file.look(folder / "latents.safetensors")
    latent_cache.load([folder / "latents.safetensors"])


def _features_read(folder: Path) -> None:
    known.load([folder / "features.safetensors"])


def _places_read(folder: Path) -> None:
    location_encoder.load(folder / "places.safetensors")
    pretrained.file_state(folder / "places.safetensors")


def _folder(name: str, folder: str, make: object, read: object, weight: int) -> list[Target]:
    return [
        Target("JSON", f"{name}, configs", (f"{folder}**/*.json",), make, read, weight),  # type: ignore[arg-type]
        Target("safetensors", f"{name}, weights", (f"{folder}**/*.safetensors",), make, read, weight),  # type: ignore[arg-type]
    ]


TARGETS = [
    *_folder("base in check", "base/", _base, _base_checked, 5),
    *_folder("base", "base/", _base, _base_read, 2),
    *_folder("conditions", "", _trained, _trained_read, 4),
    *_folder("ControlNet", "control/", _adapted, _control_read, 2),
    Target("safetensors", "LoRA", ("lora/*.safetensors",), _adapted, _lora_read, 3),
    *_folder("segmentation network", "judge/", _judge, _judge_read, 1),
    *_folder("detector", "detector/", _detector, _detector_read, 1),
    *_folder("Pix2Pix", "", _gan, gan.load, 3),
    *_folder("mask network", "masks/", _masks, _masks_read, 2),
    Target("safetensors", "latents", ("latents.safetensors",), _latents, _latents_read, 6),
    Target("safetensors", "features", ("features.safetensors",), _latents, _features_read, 4),
    Target("safetensors", "location encoder", ("places.safetensors",), _latents, _places_read, 4),
]
