"""Stable Diffusion XL (Podell et al. 2024): two text encoders, pooled text, the size of the image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from diffusers import DiffusionPipeline, StableDiffusionXLPipeline
from torch import Tensor
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from landloom.models.families.base import pack
from landloom.models.families.stable_diffusion import StableDiffusion

SIZES = 6
"""Numbers that say how an image was cropped: original size, corner of the crop, size of the target."""


@dataclass
class StableDiffusionXL(StableDiffusion):
    """A U-Net whose time embedding also gets the pooled text and the size of the image.

    Attributes:
        force_zeros_for_empty_prompt: whether the empty text is zeros, as the pipeline has it for guidance.
    """

    text_encoder_2: CLIPTextModelWithProjection
    tokenizer_2: CLIPTokenizer
    force_zeros_for_empty_prompt: bool = True

    pipeline: ClassVar[type[DiffusionPipeline]] = StableDiffusionXLPipeline
    precise: ClassVar[bool] = True

    @classmethod
    def options(cls, index: Mapping[str, Any]) -> dict[str, Any]:
        """What the empty text is."""
        return {"force_zeros_for_empty_prompt": bool(index.get("force_zeros_for_empty_prompt", True))}

    def pipe(self) -> DiffusionPipeline:
        """Without a watermark."""
        return self.pipeline(**self.parts, add_watermarker=False)

    @torch.no_grad()
    def embed(self, texts: Sequence[str]) -> Tensor:
        """Words of both encoders, and the pooled vector of the second one."""
        tokens, _, pooled, _ = self.pipe().encode_prompt(
            list(texts), device=self.unet.device, do_classifier_free_guidance=False
        )
        words = pack(tokens, pooled)
        if self.force_zeros_for_empty_prompt:
            words[[i for i, text in enumerate(texts) if not text]] = 0
        return words

    @property
    def pooled(self) -> int:
        """What the U-Net takes beside the sizes."""
        own = self.unet.config
        return int(own.projection_class_embeddings_input_dim - SIZES * own.addition_time_embed_dim)

    def beside(self, x: Tensor, pooled: Tensor) -> dict[str, Any]:
        """Pooled text, and the size of a whole tile that was never scaled nor cropped."""
        height, width = (side * self.factor for side in x.shape[-2:])
        sizes = torch.tensor([height, width, 0, 0, height, width], dtype=torch.float32, device=x.device)
        return {"added_cond_kwargs": {"text_embeds": pooled, "time_ids": sizes.expand(len(x), -1)}}
