"""Model cards that lie beside the trained weights."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from landloom.data.statistics import ClassInfo, Statistics

LICENCE = (
    "**Licence.** Landloom states none. Whether these weights may be passed on, and how, follows from the\n"
    "licences of the images and masks that they learned from, and of pretrained weights where they began\n"
    "with some. Name it as `license` above before you publish them."
)


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


def segmentation(dataset: Statistics, config: BaseModel, mix: str) -> str:
    """Card of a segmentation network; ``mix`` says what it was trained on."""
    use = (
        "Load with `segmentation_models_pytorch.from_pretrained(folder)`, or run it with `landloom predict`."
        f" It was trained on {mix}. Its input is the image, each band scaled so that {_numbers(dataset.low)}"
        f" become -1 and {_numbers(dataset.high)} become 1, and clipped; it gives a logit for each class."
    )
    return _card(dataset, config, "Segmentation network", use, "segmentation-models-pytorch")


def detector(dataset: Statistics, config: BaseModel, mix: str) -> str:
    """Card of a detector; ``mix`` says what it was trained on."""
    use = (
        "Load with `landloom.detection.networks.load(folder)`. It finds centres, sizes and angles of objects."
        f" It was trained on {mix}."
    )
    return _card(dataset, config, "Object detector", use, "pytorch", dataset.objects)


def _card(
    dataset: Statistics, config: BaseModel, title: str, use: str, library: str = "diffusers",
    classes: Sequence[ClassInfo] | None = None,
) -> str:  # fmt: skip
    listed = dataset.classes if classes is None else classes
    rows = "\n".join(f"| {i} | {cell(c.name)} | {c.color} |" for i, c in enumerate(listed))
    return (
        f"---\nlibrary_name: {library}\nlicense: other\ntags: [remote-sensing, landloom]\n---\n# {title}\n\n"
        f"Trained by Landloom on the dataset `{dataset.name}`: {dataset.tiles['train']} train tiles of"
        f" {dataset.size} px, {dataset.bands} bands.\n\n{use}\n\n| index | class | colour |\n|---|---|---|\n"
        f"{rows}\n\n{LICENCE}\n\n```json\n{config.model_dump_json(indent=1)}\n```\n"
    )


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{v:g}" for v in values)


def cell(text: str) -> str:
    """Text for one cell of a Markdown table: a bar or a new line would end the cell."""
    return " ".join(text.replace("|", "\\|").split())
