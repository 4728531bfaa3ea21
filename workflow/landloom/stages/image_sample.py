"""Images for the masks of one shard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel
from torch import Tensor

from landloom import samples
from landloom.conditions.mask import one_hot
from landloom.config.image_sample import ImageSampleConfig
from landloom.dataset import Dataset
from landloom.diffusion import bundle
from landloom.diffusion.sampling import batches, sample
from landloom.raster import codec
from landloom.samples import Sample
from landloom.stage import In, Out
from landloom.training.loop import device

VERSION = 1
IMAGE_SEED = 0x5EED  # images start from other noise than their masks


def run(
    config: ImageSampleConfig, card: In, masks: In, out: Out,
    base: In | None = None, controlnet: In | None = None,
) -> None:  # fmt: skip
    """Write image-mask pairs: images by the ControlNet, or the real image of a real mask."""
    dataset = Dataset.load(card)
    made: Iterator[Sample] = samples.read(masks)
    if config.source == "controlnet":
        assert base is not None
        assert controlnet is not None
        made = from_controlnet(config, dataset, list(made), base, controlnet)
    samples.write(out, made, samples.metadata(masks))


def from_controlnet(
    config: ImageSampleConfig, dataset: Dataset, found: list[Sample], base: Path, controlnet: Path
) -> Iterator[Sample]:
    """Sample images under masks and captions."""
    dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
    model = bundle.load(base).to(device(), dtype)
    control = ControlNetModel.from_pretrained(controlnet, use_safetensors=True, local_files_only=True)
    control = control.to(device(), dtype).requires_grad_(False).eval()
    empty = model.embed([""])[0]
    for part in batches(len(found), config.batch):
        rows = found[part]
        labels = torch.from_numpy(np.stack([s.mask_array() for s in rows]))
        hint = one_hot(labels, len(dataset.classes)).to(device(), dtype)
        seeds = [(s.seed or 0) ^ IMAGE_SEED for s in rows]
        text = model.embed([s.caption or "" for s in rows])
        control_at = residuals(control, hint, config.control)
        latents = sample(model, text, empty, seeds, config, dataset.size // model.factor, control_at)
        with torch.no_grad():
            images = model.decode(latents.to(dtype)).float().cpu().numpy()
        for row, image in zip(rows, images, strict=True):
            row.image = codec.encode(dataset.unscale(image), row.crs, row.transform)
            yield row


def residuals(control: ControlNetModel, hint: Tensor, scale: float) -> Any:
    """ControlNet residuals as arguments of the denoiser; the mask is kept in the unguided half."""

    def at(latents: Tensor, t: Tensor, text: Tensor) -> dict[str, Any]:
        full = hint if len(hint) == len(latents) else torch.cat([hint, hint])
        down, middle = control(
            latents, t, text, controlnet_cond=full, conditioning_scale=scale, return_dict=False
        )
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}

    return at
