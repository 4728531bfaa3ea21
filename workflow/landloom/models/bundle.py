"""Loading a base model: ``model_index.json`` says of which family its folder is."""

import json
from logging import LogRecord, getLogger
from pathlib import Path
from typing import Any

import diffusers
import transformers
from transformers.utils import logging

from landloom.config.section import Section
from landloom.models import layout
from landloom.models.families import index
from landloom.models.families.base import Bundle
from landloom.models.families.sd3 import StableDiffusion3
from landloom.models.families.sdxl import StableDiffusionXL
from landloom.models.families.stable_diffusion import StableDiffusion
from landloom.runtime import phases
from landloom.runtime.reading import reading, require_layers

logging.disable_progress_bar()  # a bar per loaded file hides the lines that matter

KNOWN: tuple[type[Bundle], ...] = (StableDiffusion, StableDiffusionXL, StableDiffusion3)
FAMILIES = {family.pipeline.__name__: family for family in KNOWN}
"""By the name of the pipeline, as in ``index.FAMILIES``."""
WORDS = ("text_encoder", "tokenizer")
"""How the names of parts begin that embed texts."""


def _matters(record: LogRecord) -> bool:
    """Not the warning of the key that is in AutoencoderDC's config for StableDiffusionPipeline."""
    return "block_out_channels" not in record.getMessage()


getLogger("diffusers.configuration_utils").addFilter(_matters)


@phases.during("load")
def load(folder: Path, words: bool = True) -> Bundle:
    """Load a diffusers folder: local files and safetensors only.

    Args:
        folder: of the base.
        words: load what embeds texts, too; billions of weights in some families.

    Raises:
        InputError: it is of no known family, or a part is missing or cannot be read.
    """
    found = index.read(folder)
    wanted = {
        n: kind if words or not n.startswith(WORDS) else None
        for n, kind in index.parts(folder, found).items()
    }
    parts = {name: _part(folder / name, kind) for name, kind in wanted.items()}
    family = FAMILIES[index.family(folder, found)]
    return family(**parts, **family.options(found))


def trained(folder: Path, stage: str, section: Section) -> Bundle:
    """Load a base that a stage of training adapts, without its text encoders: words lie in the latent cache.

    Raises:
        InputError: it cannot be loaded, or its family cannot do what the section asks for.
    """
    for problem in index.refused(index.family(folder, index.read(folder)), stage, section):
        raise problem
    return load(folder, words=False)


def _part(folder: Path, kind: str | None) -> Any:
    """One part by the name of its class."""
    if kind is None:
        return None
    found = getattr(diffusers, kind, None) or getattr(transformers, kind)
    weights = {} if "Tokenizer" in kind or "Scheduler" in kind else {"use_safetensors": True}
    with reading(folder, "cannot be loaded", "Give a complete diffusers folder"):
        if weights:
            config = folder / "config.json"
            require_layers(json.loads(config.read_text()), config, index.REMEDY)
            for file in folder.glob("*.index.json"):
                layout.named(file, index.REMEDY)
        return found.from_pretrained(folder, local_files_only=True, **weights)
