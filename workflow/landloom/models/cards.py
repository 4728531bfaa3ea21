"""Model cards that lie beside the trained weights."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from landloom.data.statistics import Statistics


def lora(dataset: Statistics, config: BaseModel, pipeline: str) -> str:
    """Card of a label LoRA for a pipeline of diffusers."""
    return _card(
        dataset, config, "Mask generator (LoRA)",
        f"Load with `{pipeline}.from_pretrained(base).load_lora_weights(folder)`. It answers"
        " prompts such as `segmentation map, 45% forest, 30% water` with masks in the generation palette.",
    )  # fmt: skip


def categorical(dataset: Statistics, config: BaseModel) -> str:
    """Card of a categorical mask generator."""
    return _card(
        dataset, config, "Mask generator (categorical diffusion)",
        "Load with `landloom.mask_diffusion.network.MaskDenoiser.from_pretrained(folder)`. It names the"
        " class of every pixel of a mask of which some are known, given class shares;"
        " `landloom.mask_diffusion.sampling` draws masks with it.",
    )  # fmt: skip


def controlnet(dataset: Statistics, config: BaseModel, kind: str, codes: NDArray[np.float32] | None) -> str:
    """Card of an image ControlNet of a class of diffusers.

    Args:
        dataset: its classes.
        config: of the training.
        kind: class of the ControlNet.
        codes: palette (K, C) in which it sees masks; None if it sees a channel for each class.
    """
    condition = (
        "Its condition is the one-hot mask, one channel per class in the order below; a pixel without a"
        " class is zero in every channel."
    )
    if codes is not None:
        listed = ", ".join(f"({', '.join(f'{v:g}' for v in code)})" for code in codes)
        condition = (
            "Its condition is the mask painted in these codes, one for each class in the order below, as an"
            f" image in [-1, 1]; a pixel without a class is 0 in every channel: {listed}."
        )
    use = f"Load with `{kind}.from_pretrained(folder)`. {condition}"
    return _card(dataset, config, "Image generator (ControlNet)", use)


def translation(dataset: Statistics, config: BaseModel, name: str) -> str:
    """Card of a baseline's generator."""
    return _card(
        dataset, config, f"Image generator ({name})",
        "Load with `landloom.gan.networks.load(folder)`. Its input is the one-hot mask, one channel"
        " per class in the order below; a pixel without a class is zero in every channel.",
    )  # fmt: skip


def _card(dataset: Statistics, config: BaseModel, title: str, use: str) -> str:
    classes = "\n".join(f"| {i} | {cell(c.name)} | {c.color} |" for i, c in enumerate(dataset.classes))
    return (
        f"---\nlibrary_name: diffusers\ntags: [remote-sensing, synthetic-data]\n---\n# {title}\n\n"
        f"Trained by Landloom on the dataset `{dataset.name}`: {dataset.tiles['train']} train tiles of"
        f" {dataset.size} px, {dataset.bands} bands.\n\n{use}\n\n| index | class | colour |\n|---|---|---|\n"
        f"{classes}\n\n```json\n{config.model_dump_json(indent=1)}\n```\n"
    )


def cell(text: str) -> str:
    """Text for one cell of a Markdown table: a bar or a new line would end the cell."""
    return " ".join(text.replace("|", "\\|").split())
