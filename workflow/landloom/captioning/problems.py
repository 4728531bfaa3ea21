"""What would stop a model from captioning, found before any job starts."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np

from landloom.captioning import endpoint, tokens
from landloom.captioning import server as own
from landloom.captioning.backend import Question
from landloom.conditions.words import image_caption
from landloom.config.base import BaseConfig
from landloom.config.caption import CaptionConfig
from landloom.errors import InputError
from landloom.models import layout
from landloom.models.hub import locate
from landloom.runtime.reading import object_of

SECTION = "caption.qwen_vl"
PARTS = {
    "a model's config": ("config.json",),
    "an image processor": ("preprocessor_config.json", "processor_config.json"),
    "a tokenizer": ("tokenizer.json", "vocab.json"),
}
"""What a model folder must hold: one file of each row."""


REMEDY = "Give a complete folder, as save_pretrained of model and processor writes it"
REFUSED = (400, 404, 405, 415, 422)
"""What servers answer to a request that no trying again will mend."""


def problems(config: CaptionConfig) -> list[InputError]:
    """Problems of the model or server that the config names; one small request is sent to a server."""
    if config.backend == "qwen_vl":
        return list(_model(config))
    return _server(config) if config.backend == "openai" else []


def remarks(config: CaptionConfig, base: BaseConfig, names: list[str]) -> list[str]:
    """Say when a template caption with every class may be longer than the text encoder reads."""
    count, counter = tokens.counter(base)
    text = image_caption([1 / len(names)] * len(names), names, config.model_copy(update={"smallest": 0.0}))
    if (found := count(text)) <= config.limit:
        return []
    return [
        f"caption.image_template: with all {len(names)} classes a caption has {found} tokens ({counter}), "
        f"the text encoder reads {config.limit}; raise caption.smallest, or shorten names or template"
    ]


def _model(config: CaptionConfig) -> Iterator[InputError]:
    settings = config.qwen_vl
    try:
        folder = locate(settings.model_copy(update={"download": False, "sha256": None}), SECTION)
    except InputError as error:
        if not (settings.download and settings.revision):
            yield error
        return
    for what, files in PARTS.items():
        if not any((folder / f).is_file() for f in files):
            yield InputError(folder, f"{what} is missing: no {' or '.join(files)}", REMEDY)
    if not _sees(folder):
        found = f"{folder / 'config.json'} has no vision_config: the model reads words alone"
        yield InputError(SECTION, found, "Give a vision-language model, such as Qwen2-VL")
    if not _has_chat_template(folder):
        found = "the processor has no chat template: no chat_template.jinja"
        yield InputError(folder, found, "Give a model that was trained to follow instructions")
    yield from layout.weights(folder, "model", REMEDY)


def _sees(folder: Path) -> bool:
    """Whether a model reads pictures, as its config says; a folder without a config is another problem."""
    file = folder / "config.json"
    return not file.is_file() or "vision_config" in object_of(file, REMEDY)


def _has_chat_template(folder: Path) -> bool:
    if any((folder / f).is_file() for f in ("chat_template.jinja", "chat_template.json")):
        return True
    files = [folder / f for f in ("processor_config.json", "tokenizer_config.json")]
    return any("chat_template" in object_of(f, REMEDY) for f in files if f.is_file())


def _server(config: CaptionConfig) -> list[InputError]:
    server = config.endpoint
    if server.serve:
        return own.problems(server)
    secret = ""
    try:
        secret = endpoint.key(server)
        with endpoint.client_of(server, secret, endpoint.address(server)) as client:
            reply = client.get("models", timeout=10)
            if reply.status_code not in (401, 403):
                return list(_blind(client, server.model, secret))
    except InputError as error:
        return [error]
    except httpx2.HTTPError as error:
        why = endpoint.hidden(f"{type(error).__name__}: {error}", secret)
        found = f"{endpoint.address(server)} does not answer ({why})"
        return [InputError("caption.endpoint.url", found, "Start the server, or correct the address")]
    found = f"the server refuses the key (status {reply.status_code})"
    remedy = f"Put the right key into {server.key}" if server.key else "Set it to the variable of a key"
    return [InputError("caption.endpoint.key", found, remedy)]


def _blind(client: httpx2.Client, model: str, secret: str) -> Iterator[InputError]:
    """Show the model a small grey picture: a server that refuses that would refuse every tile.

    Not every server lists its models, and no list says what they read. One word is asked for.
    """
    question = Question(np.full((56, 56, 3), 128, np.uint8), "What is this?")
    asked = endpoint.body(model, question) | {"max_tokens": 1}
    reply = client.post("chat/completions", json=asked, timeout=60)
    if reply.status_code in REFUSED:
        said = endpoint.hidden(reply.text, secret)[:200]
        found = f"'{model}' takes no picture there (status {reply.status_code}: {said})"
        yield InputError("caption.endpoint.model", found, "Name a vision-language model that the server has")
