"""Captions from any server that speaks OpenAI's chat completions with images."""

import base64
import email.utils
import io
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import httpx2
from PIL import Image
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from landloom.captioning.backend import Answer, Question, Save, Stopped
from landloom.captioning.server import Server
from landloom.config.caption import CaptionConfig, EndpointConfig, secretive
from landloom.errors import InputError, Interrupted

PASSING = (408, 409, 425, 429)
"""Status codes below 500 after which the same request may work."""
NAP = 0.2  # seconds between two looks at a request to stop


class Again(Exception):
    """A failure that may pass; ``wait`` is what the server asks for, in seconds."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait


class Endpoint:
    """A client with bounded concurrency, which tries again when a failure may pass."""

    def __init__(self, config: CaptionConfig) -> None:
        self.config, self.server = config, config.endpoint
        fields = {"max_tokens": config.answer, "temperature": config.endpoint.temperature} | self.server.extra
        self.fields = {k: v for k, v in fields.items() if v is not None}
        self.identity = f"openai {self.server.model} {json.dumps(self.fields, sort_keys=True)}"
        self.key = ""
        self.own = Server(config.endpoint) if config.endpoint.serve else None

    def ask(self, questions: Sequence[Question], save: Save, stopped: Stopped) -> None:
        """See ``Captioner``. After a failure no request is begun; those under way end and are saved."""
        self.key = key(self.server)  # here, for a scene whose answers are all there needs none
        errors: list[BaseException] = []  # the first one stops the others, so it says why

        def halted() -> bool:
            return bool(errors) or stopped()

        def one(number: int) -> None:
            try:
                save(number, self._answer(client, questions[number], halted))
            except BaseException as error:
                errors.append(error)

        url = self.own.start(stopped) if self.own else address(self.server)
        with (
            client_of(self.server, self.key, url) as client,
            ThreadPoolExecutor(self.server.concurrency) as pool,
        ):
            try:
                wait([pool.submit(one, i) for i in range(len(questions))])
            except BaseException as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def close(self) -> None:
        """See ``Captioner``."""
        if self.own:
            self.own.close()

    def _answer(self, client: httpx2.Client, question: Question, halted: Stopped) -> Answer:
        """Post a question until it is answered, or the tries are used up."""

        def nap(seconds: float) -> None:
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0 and not halted():
                time.sleep(min(left, NAP))

        retry = Retrying(
            stop=stop_after_attempt(self.server.attempts), wait=self._wait, sleep=nap,
            retry=retry_if_exception_type(Again), before_sleep=_say, reraise=True,
        )  # fmt: skip
        try:
            return retry(self._post, client, question, halted)
        except Again as error:
            remedy = "Look at the server, then run again: answers that came are kept"
            raise InputError(
                "caption.endpoint", f"gave up after {self.server.attempts} tries: {error}", remedy
            ) from None

    def _post(self, client: httpx2.Client, question: Question, halted: Stopped) -> Answer:
        if halted():
            raise Interrupted
        try:
            reply = client.post("chat/completions", json=body(self.server.model, question) | self.fields)
        except httpx2.TransportError as error:
            if halted():
                raise Interrupted from None
            if self.own:
                self.own.look(halted)
            raise Again(hidden(f"{type(error).__name__}: {error}", self.key)) from None
        text = hidden(reply.text, self.key)
        if reply.status_code in PASSING or reply.status_code >= 500:
            raise Again(f"status {reply.status_code}: {text[:200]}", _seconds(reply))
        if reply.status_code != 200:
            found = f"the server refused with status {reply.status_code}: {text[:300]}"
            raise InputError("caption.endpoint", found, "Correct url, model, key or extra")
        return parse(text)

    def _wait(self, state: RetryCallState) -> float:
        first, longest = self.server.backoff, self.server.longest_wait
        backoff = wait_exponential_jitter(first, longest, jitter=first)
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait if isinstance(error, Again) else 0.0
        return min(max(backoff(state), asked), longest)


def hidden(text: str, secret: str) -> str:
    """``text`` without the key, which servers and libraries may repeat."""
    return text.replace(secret, "[key]") if secret else text


def key(config: EndpointConfig) -> str:
    """The key, from the environment variable that the config names; empty when it names none.

    Raises:
        InputError: the variable is not set, or holds what no header can carry; its value is never shown.
    """
    if config.key is None:
        return ""
    if found := os.environ.get(config.key, "").strip():
        if found.isascii() and found.isprintable():
            return found
        what = f"the environment variable {config.key} holds line breaks or letters that no key has"
        raise InputError("caption.endpoint.key", what, "Set it to the key alone, in one line")
    found = f"the environment variable {config.key} is not set"
    raise InputError("caption.endpoint.key", found, f"export {config.key}=...")


def address(config: EndpointConfig) -> str:
    """The server's URL, or the first line of the file that ``url`` names.

    Raises:
        InputError: it is neither a URL nor a file that holds one.
    """
    path = Path(config.url)
    lines = path.read_text().split() if "://" not in config.url and path.is_file() else [config.url]
    if lines and lines[0].startswith(("http://", "https://")):
        if secretive(lines[0]):
            found = "the address holds a password, a key or a token, which would get into logs"
            raise InputError("caption.endpoint.url", found, "Name a variable of the environment: key")
        return lines[0].rstrip("/") + "/"
    found = f"'{config.url}' is neither a URL nor a file that holds one"
    raise InputError("caption.endpoint.url", found, "Start the server, or write http://host:port/v1")


def client_of(config: EndpointConfig, secret: str, url: str) -> httpx2.Client:
    """A client of the server; connections are refused quickly, answers may take the whole time-out."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    timeout = httpx2.Timeout(config.timeout, connect=min(10.0, config.timeout))
    limits = httpx2.Limits(max_connections=config.concurrency)
    return httpx2.Client(base_url=url, headers=headers, timeout=timeout, limits=limits)


def body(model: str, question: Question) -> dict[str, Any]:
    """A chat completion's request, without options."""
    image = {"type": "image_url", "image_url": {"url": data_url(question)}}
    content = [image, {"type": "text", "text": question.prompt}]
    return {"model": model, "messages": [{"role": "user", "content": content}]}


def data_url(question: Question) -> str:
    """The picture as a PNG in a data: URL."""
    memory = io.BytesIO()
    Image.fromarray(question.picture).save(memory, "PNG")
    return "data:image/png;base64," + base64.b64encode(memory.getvalue()).decode()


def parse(text: str) -> Answer:
    """Read a chat completion; a refusal that comes in a field of its own is the text.

    Raises:
        Again: it is no chat completion.
    """
    try:
        body = json.loads(text)
        choice, used = body["choices"][0], body.get("usage") or {}
        message = choice["message"]
        said = message.get("content") or message.get("refusal") or ""
        if not isinstance(said, str):
            raise TypeError
        read, written = (int(used.get(f"{k}_tokens") or 0) for k in ("prompt", "completion"))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise Again(f"the server's answer is no chat completion: {text[:200]}") from None
    return Answer(said, read, written, complete=choice.get("finish_reason") != "length")


def _seconds(reply: httpx2.Response) -> float:
    """What Retry-After asks for: seconds, or a date."""
    asked = reply.headers.get("retry-after", "")
    try:
        return float(asked)
    except ValueError:
        pass
    try:
        return email.utils.parsedate_to_datetime(asked).timestamp() - time.time()
    except ValueError:
        return 0.0


def _say(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    wait = state.next_action.sleep if state.next_action else 0.0
    print(f"caption: {error}; try {state.attempt_number + 1} in {wait:.1f} s", file=sys.stderr, flush=True)
