"""A chat-completions server on loopback that speaks OpenAI's wire format, and fails when told to."""

import base64
import hashlib
import io
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

GOOD = "Fields and a small forest beside a winding river, seen from above."


@dataclass(frozen=True)
class Seen:
    """A request that was answered with a completion, and so was paid."""

    image: str
    prompt: str
    side: tuple[int, ...]


@dataclass
class Fault:
    """What a server sends in place of a completion."""

    status: int = 500
    body: str = '{"error": {"message": "broken"}}'
    headers: dict[str, str] = field(default_factory=dict)
    sleep: float = 0.0
    hang_up: bool = False


Reply = Callable[[int, dict[str, Any]], "str | Fault"]
"""Number of the request (from 0) and its body, to the caption or a fault."""


class ChatServer:
    """The server; use it as a context. It can be stopped and started again at the same address."""

    def __init__(self, reply: Reply | str = GOOD, key: str = "") -> None:
        self.reply: Reply = (lambda *_: reply) if isinstance(reply, str) else reply
        self.key, self.port, self.count = key, 0, 0
        self.paid: list[Seen] = []
        self.bodies: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.busy = self.most_busy = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> "ChatServer":
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                known = not outer.key or self.headers.get("Authorization") == f"Bearer {outer.key}"
                body = {"object": "list", "data": [{"id": "tiny", "object": "model"}]}
                outer.send(self, 200 if known else 401, json.dumps(body if known else {"error": "no"}))

            def do_POST(self) -> None:
                outer.answer(self)

        self.http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one POST as ``reply`` says."""
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        if self.key and handler.headers.get("Authorization") != f"Bearer {self.key}":
            # Some servers repeat what they were given.
            given = handler.headers.get("Authorization", "")
            return self.send(handler, 401, json.dumps({"error": {"message": f"wrong: {given}"}}))
        with self.lock:
            number, self.count = self.count, self.count + 1
            self.busy += 1
            self.most_busy = max(self.busy, self.most_busy)
            self.times.append(time.monotonic())
            self.bodies.append(body)
        said = self.reply(number, body)
        with self.lock:
            self.busy -= 1
        if isinstance(said, Fault):
            time.sleep(said.sleep)
            if said.hang_up:
                return handler.connection.close()
            return self.send(handler, said.status, said.body, said.headers)
        with self.lock:
            self.paid.append(seen(body))
        return self.send(handler, 200, completion(said))

    @staticmethod
    def send(handler: BaseHTTPRequestHandler, status: int, body: str, headers: Any = None) -> None:
        """Send a JSON response."""
        try:
            handler.send_response(status)
            for name, value in ({"Content-Type": "application/json"} | (headers or {})).items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body.encode())))
            handler.end_headers()
            handler.wfile.write(body.encode())
        except OSError:  # the client did not wait
            pass


def completion(text: str, finish: str = "stop") -> str:
    """A chat completion as OpenAI's servers write it."""
    message = {"role": "assistant", "content": text, "refusal": None}
    return json.dumps(
        {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "tiny",
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        }
    )  # fmt: skip


def seen(body: dict[str, Any]) -> Seen:
    """What a request showed and asked; fails when it is not as OpenAI's API wants it."""
    (message,) = body["messages"]
    image, text = message["content"]
    assert (message["role"], image["type"], text["type"]) == ("user", "image_url", "text")
    head, data = image["image_url"]["url"].split(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        pixels = np.asarray(picture)
    return Seen(hashlib.sha256(pixels.tobytes()).hexdigest(), text["text"], pixels.shape)
