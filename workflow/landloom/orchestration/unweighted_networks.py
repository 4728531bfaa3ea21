"""The networks of a config, built without weights: how many parameters they have, how much they compute.

On torch's device ``meta`` tensors have shapes and no values, so that a step of Stable Diffusion is counted in
a second, on any machine. Counted are products of matrices and convolutions, a product and a sum as two.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from peft import LoraConfig
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPTextConfig, CLIPTextModel

from landloom.conditions.ratios import width
from landloom.config import Config
from landloom.config.image_train import CycleGanConfig, ImageTrainConfig, TranslationConfig
from landloom.config.label_train import LabelTrainConfig
from landloom.detection import networks as detectors
from landloom.diffusion import controlnet
from landloom.errors import InputError
from landloom.gan.networks import Generator, discriminator
from landloom.mask_diffusion.network import MaskDenoiser
from landloom.models import bundle, scratch
from landloom.models.families import index
from landloom.models.families.base import Bundle, unpack
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.models.hub import locate
from landloom.segmentation import networks

META = torch.device("meta")
SD15: dict[str, dict[str, Any]] = {
    "vae": {
        "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "latent_channels": 4,
    },
    "unet": {"cross_attention_dim": 768, "attention_head_dim": 8, "sample_size": 64},
    "text": {
        "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
        "vocab_size": 49408,
    },
}  # fmt: skip
"""Shapes of Stable Diffusion 1.5 (Rombach et al. 2022), for a base that does not lie on this machine."""


@dataclass(frozen=True)
class Cost:
    """What a trained network costs.

    Attributes:
        loaded: parameters in memory, with those of frozen networks beside it.
        saved: parameters that are trained and written.
        forward: FLOPs of asking it for one sample, once.
        step: FLOPs of training it with one sample.
    """

    loaded: int
    saved: int
    forward: float
    step: float


class UnweightedNetworks:
    """The networks of a run.

    Args:
        config: of the run.
        bands: of an image.
    """

    def __init__(self, config: Config, bands: int) -> None:
        self.config, self.bands, self.size = config, bands, config.tile.size
        self.classes = len(config.data.classes)
        self.labels: dict[str, Cost] = {}

    @cached_property
    def base(self) -> Bundle:
        """The base, as ``base.source`` says it; where that is not at hand, Stable Diffusion 1.5."""
        return self._built()

    def _built(self) -> Bundle:
        """A base of one's own, to be adapted."""
        made = self.config.base
        if made.source != "scratch":
            try:
                return given(locate(made.model_copy(update={"download": False, "sha256": None})))
            except InputError:
                return given(None)
        tokens, side = scratch.tokenizer(["none"]), self.size // 2 ** (len(made.vae.channels) - 1)
        with META:
            vae = scratch.vae(made.vae, self.bands, self.size)
            unet = scratch.unet(made.unet, made.vae.latent, side)
            text = scratch.text_encoder(made.unet, tokens)
        return StableDiffusion(vae, DDPMScheduler(), unet, text, tokens)

    @property
    def base_parameters(self) -> int:
        """Parameters of autoencoder, denoiser and text encoders."""
        return sum(parameters(n) for n in self.base.parts.values() if isinstance(n, nn.Module))

    @cached_property
    def words(self) -> tuple[int, int]:
        """Rows and width of an embedded text."""
        _, rows, width = self.base.embed(["none"]).shape
        return rows, width

    @cached_property
    def encoding(self) -> float:
        """FLOPs of a picture's latent."""
        return flops(lambda: self.base.vae.encode(self._image(self.base.channels)))

    @cached_property
    def decoding(self) -> float:
        """FLOPs of a latent's picture."""
        return flops(lambda: self.base.vae.decode(self._noisy()))

    @cached_property
    def embedding(self) -> float:
        """FLOPs of a text."""
        return flops(lambda: self.base.embed(["none"]))

    def denoiser(self) -> Cost:
        """The base's denoiser with its text encoder, trained from scratch."""
        base = self._built()
        assert isinstance(base, StableDiffusion)
        step = flops(
            lambda: self._denoised(base, base.text_encoder(self._tokens())[0]).sum().backward(), learning=True
        )
        return Cost(self.base_parameters, self.base_parameters - parameters(base.vae), 0, step)

    def label(self, section: LabelTrainConfig) -> Cost:
        """A mask generator: LoRA on the base's denoiser, or categorical diffusion."""
        shape = section.model_dump_json(include={"backend", "rank", "alpha", "targets", "categorical"})
        if shape not in self.labels:  # several may differ in their loss alone
            self.labels[shape] = self._label(section)
        return self.labels[shape]

    def _label(self, section: LabelTrainConfig) -> Cost:
        if section.backend == "categorical":
            with META:
                model = MaskDenoiser(self.classes, self.size, channels=section.categorical.channels)
            known = torch.empty(1, self.size, self.size, dtype=torch.uint8, device=META)
            vector = torch.empty(1, width(self.classes), device=META)
            return alone(model, lambda: model(known, vector))
        base, words = self._built(), torch.empty(1, *self.words, device=META)
        base.network.requires_grad_(False)
        rank, alpha = section.rank, section.alpha or section.rank
        with META:
            base.network.add_adapter(LoraConfig(r=rank, lora_alpha=alpha, target_modules=section.targets))
        saved = parameters(base.network, trained=True)
        return beside(self.base_parameters + saved, saved, lambda: self._denoised(base, words))

    def image(self, section: ImageTrainConfig) -> Cost:
        """An image generator: a ControlNet beside the base's denoiser, or a GAN."""
        if section.translation is not None:
            return self._translator(section.translation)
        base, words = self._built(), torch.empty(1, *self.words, device=META)
        channels = self.bands if base.paints else self.classes
        with META:
            control = controlnet.build(section, base, channels)
            controlnet.adapt(base, section)
        hint = self._image(channels)
        tokens, pooled = unpack(words, base.pooled)

        def denoised() -> Tensor:
            added = base.residuals(
                control, self._noisy(), self._time(), tokens, pooled, base.hinted(control, hint), 1.0
            )
            return self._denoised(base, words, added)

        saved = parameters(control, trained=True) + parameters(base.network, trained=True)
        return beside(self.base_parameters + parameters(control), saved, denoised)

    def segment(self, name: str) -> Cost:
        """A segmentation network."""
        wanted = self.config.segment.networks[name].model_copy(update={"weights": None})
        model = networks.build(wanted, self.bands, self.classes).to(META).eval()
        return alone(model, lambda: model(self._image(self.bands)))

    def detect(self, name: str) -> Cost:
        """A detector, as if there were as many classes of objects as of masks."""
        wanted = self.config.detect.networks[name].model_copy(update={"weights": None})
        model = detectors.build(wanted, self.bands, [""] * self.classes, self.config.detect.kind or "rotated")
        model = model.to(META).eval()
        return alone(model, lambda: model(self._image(self.bands)).heat)

    def _translator(self, own: TranslationConfig) -> Cost:
        with META:
            model = Generator(self.classes, self.bands, own.width, own.levels)
            judge = discriminator(self.classes + self.bands, own.width)
        judged = self._image(self.classes + self.bands)
        one, other = (
            alone(model, lambda: model(self._image(self.classes))),
            alone(judge, lambda: judge(judged)),
        )
        # A discriminator sees a made and a real image, and once more what the generator learns from; in a
        # cycle there are two of each, and an image goes there and back.
        pairs, ways = (2, 2) if isinstance(own, CycleGanConfig) else (1, 1)
        saved = pairs * (one.saved + other.saved)
        return Cost(saved, saved, one.forward, pairs * (ways * one.step + 3 * other.step))

    def _image(self, channels: int) -> Tensor:
        return torch.empty(1, channels, self.size, self.size, device=META)

    def _noisy(self) -> Tensor:
        side = self.size // self.base.factor
        return torch.empty(1, int(self.base.vae.config.latent_channels), side, side, device=META)

    def _time(self) -> Tensor:
        return torch.empty(1, device=META)

    def _tokens(self) -> Tensor:
        return torch.empty(1, scratch.TOKENS, dtype=torch.long, device=META)

    def _denoised(self, base: Bundle, words: Tensor, residuals: Mapping[str, Any] | None = None) -> Tensor:
        return base.predict(self._noisy(), self._time(), *unpack(words, base.pooled), None, residuals or {})


def given(folder: Path | None) -> Bundle:
    """A base whose weights are not read: the shapes in a folder, or those of Stable Diffusion 1.5."""
    if folder is not None:
        found = index.read(folder)
        parts = {n: unweighted(folder / n, kind) for n, kind in index.parts(folder, found).items()}
        family = bundle.FAMILIES[index.family(folder, found)]
        return family(**parts, **family.options(found))
    with META:
        vae, unet = AutoencoderKL.from_config(SD15["vae"]), UNet2DConditionModel.from_config(SD15["unet"])
        text = CLIPTextModel(CLIPTextConfig(**SD15["text"]))
    return StableDiffusion(vae, DDPMScheduler(), unet, text, scratch.tokenizer(["none"]))


def unweighted(folder: Path, kind: str | None) -> Any:
    """One part of a base by the name of its class; networks have shapes and no values."""
    if kind is None:
        return None
    found = getattr(diffusers, kind, None) or getattr(transformers, kind)
    if not issubclass(found, nn.Module):
        return found.from_pretrained(folder, local_files_only=True)
    with META:
        if issubclass(found, diffusers.ModelMixin):
            return found.from_config(found.load_config(folder))
        return found(found.config_class.from_pretrained(folder))


def alone(model: nn.Module, ask: Callable[[], Tensor]) -> Cost:
    """What a network costs that is trained as a whole, with nothing beside it.

    Backwards is taken for twice forwards, not counted: torch counts grouped convolutions as if they had no
    groups there.
    """
    count, forward = parameters(model), flops(ask)
    return Cost(count, count, forward, 3 * forward)


def beside(loaded: int, saved: int, ask: Callable[[], Tensor]) -> Cost:
    """What networks cost together, of which those learn that require gradients."""
    return Cost(loaded, saved, flops(ask), flops(lambda: ask().sum().backward(), learning=True))


def flops(work: Callable[[], Any], learning: bool = False) -> float:
    """FLOPs of some work on meta tensors."""
    with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(learning):
        work()
    return float(counter.get_total_flops())


def parameters(model: nn.Module, trained: bool = False) -> int:
    """Number of parameters, or of those that are trained."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trained)
