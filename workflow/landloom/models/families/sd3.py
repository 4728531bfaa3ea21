"""Stable Diffusion 3 and 3.5 (Esser et al. 2024): a transformer, trained by flow matching."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from diffusers import (
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    SD3ControlNetModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from torch import Tensor, nn
from transformers import CLIPTextModelWithProjection, CLIPTokenizer, T5EncoderModel, T5Tokenizer

from landloom.models.families.base import Bundle, pack

COPIED = ("pos_embed", "time_text_embed", "context_embedder")
"""Parts that a ControlNet takes over from the transformer, beside its first blocks."""


@dataclass
class StableDiffusion3(Bundle):
    """Transformer, two CLIP text encoders and T5, which may be left out: its tokens are then zeros."""

    scheduler: FlowMatchEulerDiscreteScheduler
    transformer: SD3Transformer2DModel
    text_encoder: CLIPTextModelWithProjection
    tokenizer: CLIPTokenizer
    text_encoder_2: CLIPTextModelWithProjection
    tokenizer_2: CLIPTokenizer
    text_encoder_3: T5EncoderModel | None = None
    tokenizer_3: T5Tokenizer | None = None

    pipeline: ClassVar[type[DiffusionPipeline]] = StableDiffusion3Pipeline
    denoiser: ClassVar[str] = "transformer"
    control: ClassVar[type[SD3ControlNetModel]] = SD3ControlNetModel
    paints: ClassVar[bool] = True

    @property
    def cell(self) -> int:
        """A patch of latents is a cell."""
        return self.factor * int(self.transformer.config.patch_size)

    @property
    def time(self) -> int:
        """Width of the transformer, to whose time embedding the pooled text is added, too."""
        return int(self.transformer.inner_dim)

    def clock(self, network: nn.Module) -> nn.Module:
        """The layers for time and pooled text."""
        return network.get_submodule("time_text_embed")

    @torch.no_grad()
    def embed(self, texts: Sequence[str]) -> Tensor:
        """Words of all encoders, and the pooled vectors of the first two."""
        tokens, _, pooled, _ = self.pipe().encode_prompt(
            list(texts), None, None, device=self.transformer.device, do_classifier_free_guidance=False
        )
        return pack(tokens, pooled)

    @property
    def pooled(self) -> int:
        """What the transformer takes."""
        return int(self.transformer.config.pooled_projection_dim)

    def predict(
        self, x: Tensor, t: Tensor, tokens: Tensor, pooled: Tensor, attended: Tensor | None,
        residuals: Mapping[str, Any],
    ) -> Tensor:  # fmt: skip
        """Prediction of the transformer, which looks at all tokens."""
        assert attended is None, "index.refused lets none come here"
        found = self.transformer(x, tokens, pooled, t.expand(len(x)), return_dict=False, **residuals)
        return torch.as_tensor(found[0])

    def hinted(self, control: Any, hint: Tensor) -> Tensor:
        """Latents of the mask, one channel a class, painted."""
        codes = torch.from_numpy(self.palette(hint.shape[1])).to(hint)
        return self.encode(torch.einsum("bkhw,kc->bchw", hint, codes)).to(hint.dtype)

    def residuals(
        self, control: Any, x: Tensor, t: Tensor, tokens: Tensor, pooled: Tensor, hint: Tensor,
        strength: float,
    ) -> dict[str, Any]:  # fmt: skip
        """Of the transformer's blocks."""
        (found,) = control(x, hint, strength, tokens, pooled, t.expand(len(x)), return_dict=False)
        return {"block_controlnet_hidden_states": found}

    def controlled(self, hint: int, widths: Sequence[int]) -> SD3ControlNetModel:
        """A copy of the first half of the transformer's blocks, which takes latents as its hint."""
        own = self.transformer
        layers = max(1, len(own.transformer_blocks) // 2)
        more = {"num_layers": layers, "extra_conditioning_channels": 0}
        # Otherwise plain pipelines would neither tell it the pooled text nor shift the hint's latents.
        made = SD3ControlNetModel.from_config(
            {**own.config, **more, "force_zeros_for_pooled_projection": False}
        )
        for name in COPIED:
            made.get_submodule(name).load_state_dict(own.get_submodule(name).state_dict())
        for mine, theirs in zip(made.transformer_blocks, own.transformer_blocks, strict=False):
            mine.load_state_dict(theirs.state_dict())
        unread = made.transformer_blocks[
            -1
        ]  # nobody reads its words: without a gradient, processes would wait
        for part in (unread.ff_context, unread.attn.to_add_out):
            part.requires_grad_(False)
        return made

    def ends(self, control: Any) -> list[Any]:
        """Those of all blocks, and of the hint."""
        return [*control.controlnet_blocks, control.pos_embed_input.proj]

    def entrance(self, control: Any) -> nn.Module:
        """The layer that takes the hint's patches."""
        return control.get_submodule("pos_embed_input")

    def stem(self, control: Any, hint: int) -> nn.Module:
        """One that shrinks pixels to patches, and puts them into the transformer's order."""
        halves = self.cell.bit_length() - 1
        widths = tuple(min(256, 16 * 2**i) for i in range(halves + 1))
        return nn.Sequential(ControlNetConditioningEmbedding(control.inner_dim, hint, widths), Patches())


class Patches(nn.Module):
    """Cells of an image as a list."""

    def forward(self, x: Tensor) -> Tensor:
        """Patches (B, H * W, C) of an image (B, C, H, W)."""
        return x.flatten(2).transpose(1, 2)
