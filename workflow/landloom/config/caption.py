"""``caption``: words for tiles."""

import re
import string
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from landloom.config.model import Model
from landloom.config.section import Section


def _fields(allowed: set[str]) -> Callable[[str], str]:
    """A check that a template holds these placeholders only."""

    def check(value: str) -> str:
        try:
            found = {name for _, name, _, _ in string.Formatter().parse(value) if name is not None}
        except ValueError as error:
            raise ValueError(f"'{value}' is not a template ({error}); write a real brace as '{{{{'") from None
        if wrong := sorted(found - allowed):
            may = ", ".join(f"{{{a}}}" for a in sorted(allowed))
            raise ValueError(f"'{value}' may hold {may} only, not {', '.join(f'{{{w}}}' for w in wrong)}")
        return value

    return check


def _expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"'{value}' is not a regular expression ({error})") from None
    return value


Template = Annotated[str, AfterValidator(_fields({"ratios"}))]
Prompt = Annotated[str, AfterValidator(_fields({"ratios", "classes", "language", "words"}))]
Expression = Annotated[str, AfterValidator(_expression)]
Language = Literal["en", "de", "es", "fr", "it", "nl", "pl", "pt", "ru", "zh", "ja", "ko"]


class Words(Section):
    """How class mixes are put into words."""

    image_template: Template = "satellite image, {ratios}"
    """Caption of an image; {ratios} becomes the class mix, largest class first."""
    mask_template: Template = "segmentation map, {ratios}"
    """Prompt of a mask."""
    step: int = Field(default=1, ge=1, le=50)
    """Percentages are rounded to multiples of this."""
    smallest: float = Field(default=0.005, ge=0, lt=1)
    """Classes below this share are not mentioned."""


class QwenVlConfig(Model):
    """A vision-language model on this machine: Qwen2-VL, one of its successors, or a model of that kind."""

    batch: int = Field(default=8, ge=1)
    """Tiles shown to the model at once."""
    precision: Literal["fp32", "bf16"] = "bf16"
    """Arithmetic of the model."""


SECRET = re.compile(r"(?i)(api[_-]?key|password|passwd|secret|authorization|(^|[_-])token$|^key$|^sig)")
"""Names of what nobody else should read; ``max_tokens`` is none."""


def secretive(url: str) -> bool:
    """Whether an address holds a user, a password, a key or a token."""
    try:
        parts = urlsplit(url)
        own = parts.username or parts.password
    except ValueError:
        return False  # no address
    return bool(own) or any(SECRET.search(k) for k, _ in parse_qsl(parts.query, keep_blank_values=True))


class EndpointConfig(Section):
    """A server that speaks OpenAI's chat completions with images, such as vLLM."""

    url: str = ""
    """Address up to the version, such as 'http://127.0.0.1:8000/v1'; or a file that holds it in one line, so
    that the server may move."""
    serve: list[str] = []
    """Command of a server that each job starts for itself, on its own node, and stops at its end; {port}
    becomes a free port. In place of url."""
    start: float = Field(default=900, gt=0)
    """Seconds that this server has until it answers."""
    model: str = ""
    """Name of the model at the server."""
    key: str | None = None
    """Environment variable that holds the key, such as OPENAI_API_KEY. The key itself belongs in no file."""
    temperature: float = Field(default=0, ge=0)
    """Randomness of the answers; 0 takes the likeliest word each time."""
    concurrency: int = Field(default=8, ge=1, le=256)
    """Requests under way at once, per job."""
    timeout: float = Field(default=120, gt=0)
    """Seconds to wait for an answer."""
    attempts: int = Field(default=6, ge=1)
    """Tries per request, before the job gives up."""
    backoff: float = Field(default=1.0, ge=0)
    """Seconds before the second try; doubled each time, with a random part, or what the server asks for."""
    longest_wait: float = Field(default=120, ge=0)
    """Most seconds between two tries, whatever the server asks for."""
    extra: dict[str, Any] = {}
    """Further fields of the request body; null takes a field away, such as {max_tokens: null,
    max_completion_tokens: 300}."""

    @model_validator(mode="after")
    def _no_secrets(self) -> Self:
        if self.key is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", self.key):
            raise ValueError("key is the name of an environment variable (capitals), never the key itself")
        if secretive(self.url):
            raise ValueError("url may hold no user or password, no key and no token")
        if named := [k for k in self.extra if SECRET.search(k)]:
            raise ValueError(f"extra.{named[0]}: the config is copied to logs and records; use key")
        if self.serve and self.url:
            raise ValueError("url and serve exclude each other: jobs that start a server know its address")
        if self.serve and not any("{port}" in word for word in self.serve):
            raise ValueError("serve must say {port} where the port belongs")
        return self


class CaptionConfig(Words):
    """Settings of the captions and prompts."""

    model_config = ConfigDict(hide_input_in_errors=True)  # someone will paste a key into it

    backend: Literal["template", "qwen_vl", "openai"] = "template"
    """Who writes the captions of images: 'template' (class mix, no model), 'qwen_vl' (a model on this
    machine) or 'openai' (a server)."""
    prompt: Prompt = (
        "This is a satellite or aerial image. Its land cover is {ratios}, out of these classes: {classes}. "
        "Write its caption: one plain {language} sentence of at most {words} words that says what is where, "
        "with shapes, textures and colours. Answer with the caption only."
    )
    """What the model is asked, beside the picture. {classes} becomes the names of all classes, {language}
    the language, {words} a number of words that fits the limit."""
    stricter: Prompt = (
        "Write one short {language} caption, at most {words} words, for this aerial image with {ratios}. "
        "No greeting, no list, no remark: the caption only."
    )
    """What it is asked once more when a caption was not good; {words} is two thirds here."""
    language: Language = "en"
    """Language that captions must have; text encoders of Stable Diffusion read English."""
    limit: int = Field(default=77, ge=8)
    """Most tokens of a caption, with its start and end; CLIP's text encoder reads 77 and drops the rest."""
    reject: list[Expression] = []
    """Further regular expressions that mark a caption as not good, beside refusals in English."""
    fallback: Literal["error", "template"] = "error"
    """What to do with a caption that is not good twice: stop, or take the template and count it."""
    splits: list[Literal["train", "val", "test"]] = ["train"]
    """Tiles that are shown to the model. The others take the template: no training reads their captions."""
    answer: int = Field(default=200, ge=8)
    """Most tokens of an answer."""
    cache: str | None = None
    """Folder for the answers, such as one that several runs share; the run's state folder when absent."""
    qwen_vl: QwenVlConfig = QwenVlConfig()
    """The model, for 'qwen_vl'."""
    endpoint: EndpointConfig = EndpointConfig()
    """The server, for 'openai'."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.backend == "qwen_vl" and not self.qwen_vl.source:
            raise ValueError("backend 'qwen_vl' needs qwen_vl.source")
        server = self.endpoint
        if self.backend == "openai" and not ((server.url or server.serve) and server.model):
            raise ValueError("backend 'openai' needs endpoint.url or endpoint.serve, and endpoint.model")
        return self

    @property
    def gpus(self) -> int:
        """One, if the model runs in the job."""
        return int(self.backend == "qwen_vl" or bool(self.endpoint.serve))
