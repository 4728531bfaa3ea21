"""LoRA matrices of a denoiser (Hu et al. 2022) on disk."""

import json
from pathlib import Path

from diffusers.utils import convert_state_dict_to_diffusers, convert_unet_state_dict_to_peft
from peft import get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch import Tensor

from landloom.models.families.base import Bundle
from landloom.runtime import phases
from landloom.runtime.reading import reading

WEIGHTS = "pytorch_lora_weights.safetensors"
"""The file that ``load_lora_weights`` looks for."""


@phases.during("write")
def save(model: Bundle, out: Path) -> None:
    """Write the adapter for ``load_lora_weights``; its settings lie in the header, in a fixed order.

    diffusers writes them as a set beside a second key, and both change their order from run to run.
    """
    name, network = model.denoiser, model.network
    config = network.peft_config["default"].to_dict()
    config["target_modules"] = sorted(config["target_modules"])
    settings = json.dumps({f"{name}.{k}": v for k, v in config.items()}, indent=2, sort_keys=True)

    def write(weights: dict[str, Tensor], path: str) -> None:
        save_file(weights, path, metadata={"lora_adapter_metadata": settings})

    weights = convert_state_dict_to_diffusers(get_peft_model_state_dict(network))
    model.pipeline.save_lora_weights(out, **{f"{name}_lora_layers": weights}, save_function=write)


@phases.during("load")
def load(model: Bundle, folder: Path) -> None:
    """Put the adapter in ``folder`` on the denoiser."""
    with reading(folder, "its LoRA cannot be loaded", "Run the training again, or restore the folder"):
        model.network.load_lora_adapter(
            folder, prefix=model.denoiser, local_files_only=True, use_safetensors=True
        )


def read(model: Bundle, folder: Path) -> dict[str, Tensor]:
    """The matrices that ``save`` wrote, by the names that ``get_peft_model_state_dict`` gives."""
    with reading(folder / WEIGHTS, "holds no LoRA", "Run the training again, or restore the folder"):
        weights = load_file(folder / WEIGHTS).items()
        return dict(
            convert_unet_state_dict_to_peft({k.removeprefix(f"{model.denoiser}."): v for k, v in weights})
        )
