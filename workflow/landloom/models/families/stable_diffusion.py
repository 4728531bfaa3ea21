"""Stable Diffusion 1 and 2 (Rombach et al. 2022): U-Net, one CLIP text encoder; bases from scratch, too."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from diffusers import (
    ControlNetModel,
    DDPMScheduler,
    DiffusionPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from landloom.models.families.base import Bundle


@dataclass
class StableDiffusion(Bundle):
    """U-Net, text encoder and tokenizer."""

    scheduler: DDPMScheduler
    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer

    pipeline: ClassVar[type[DiffusionPipeline]] = StableDiffusionPipeline
    denoiser: ClassVar[str] = "unet"
    control: ClassVar[type[ControlNetModel]] = ControlNetModel

    @property
    def time(self) -> int:
        """Width of the U-Net's time embedding."""
        return int(self.unet.time_embedding.linear_2.out_features)

    def clock(self, network: nn.Module) -> nn.Module:
        """The two layers behind the sines."""
        return network.get_submodule("time_embedding")

    def pipe(self) -> DiffusionPipeline:
        """Without a safety checker."""
        return self.pipeline(
            **self.parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
        )

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """Token ids (B, T), padded and cut to the encoder's length."""
        found = self.tokenizer(
            list(texts), padding="max_length", truncation=True,
            max_length=self.tokenizer.model_max_length, return_tensors="pt",
        )  # fmt: skip
        return torch.as_tensor(found.input_ids)

    @torch.no_grad()
    def embed(self, texts: Sequence[str]) -> Tensor:
        """Text embeddings (B, T, D)."""
        device = self.text_encoder.device
        return torch.as_tensor(self.text_encoder(self.tokens(texts).to(device))[0])

    def beside(self, x: Tensor, pooled: Tensor) -> dict[str, Any]:
        """What network and ControlNet are told beside tokens; nothing here."""
        return {}

    def predict(
        self, x: Tensor, t: Tensor, tokens: Tensor, pooled: Tensor, attended: Tensor | None,
        residuals: Mapping[str, Any],
    ) -> Tensor:  # fmt: skip
        """Prediction of the U-Net."""
        found = self.unet(
            x, t, tokens, encoder_attention_mask=attended, return_dict=False, **residuals,
            **self.beside(x, pooled),
        )  # fmt: skip
        return torch.as_tensor(found[0])

    def hinted(self, control: Any, hint: Tensor) -> Tensor:
        """What the stem answers, which is most of a ControlNet's work on large hints."""
        return torch.as_tensor(control.controlnet_cond_embedding(hint))

    def residuals(
        self, control: Any, x: Tensor, t: Tensor, tokens: Tensor, pooled: Tensor, hint: Tensor,
        strength: float,
    ) -> dict[str, Any]:  # fmt: skip
        """Of the U-Net's skips and middle."""
        with answering(control.controlnet_cond_embedding, hint):
            down, middle = control(
                x, t, tokens, controlnet_cond=hint, conditioning_scale=strength, return_dict=False,
                **self.beside(x, pooled),
            )  # fmt: skip
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}

    def controlled(self, hint: int, widths: Sequence[int]) -> ControlNetModel:
        """A copy of the U-Net's encoder, whose own stem takes the hint."""
        return ControlNetModel.from_unet(
            self.unet, conditioning_embedding_out_channels=tuple(widths), conditioning_channels=hint
        )

    def ends(self, control: Any) -> list[Any]:
        """Those of all resolutions, and of the stem."""
        mine = control.controlnet_cond_embedding.conv_out
        return [*control.controlnet_down_blocks, control.controlnet_mid_block, mine]

    def entrance(self, control: Any) -> nn.Module:
        """The ControlNet's own stem."""
        return control.get_submodule("controlnet_cond_embedding")

    def stem(self, control: Any, hint: int) -> nn.Module:
        """As wide as the ControlNet's own."""
        widths = tuple(control.config.conditioning_embedding_out_channels)
        return ControlNetConditioningEmbedding(control.config.block_out_channels[0], hint, widths)

    def decoder(self) -> dict[str, nn.Parameter]:
        """Up blocks and output, as ``sd_locked=False`` of Zhang et al. 2023."""
        ends = ("up_blocks.", "conv_norm_out.", "conv_out.")
        return {n: p for n, p in self.unet.named_parameters() if n.startswith(ends)}


@contextmanager
def answering(module: nn.Module, answer: Tensor) -> Iterator[None]:
    """Have a module answer what it has answered before, without computing it; its hooks still act."""
    module.forward = lambda *_: answer
    try:
        yield
    finally:
        del module.forward  # the class has its own
