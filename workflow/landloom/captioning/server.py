"""A caption server of the job's own, such as vLLM: started at the first question, stopped with the job."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import IO

import httpx2

from landloom.captioning.backend import Stopped
from landloom.config.caption import EndpointConfig
from landloom.errors import InputError, Interrupted

FIELD = "caption.endpoint.serve"
PORT = "{port}"
LOOK = 0.2
"""Seconds between two looks at a server that starts."""
PATIENCE = 2.0
"""Seconds in which a signal to the whole job, which ended the server, must have come here as well."""
GRACE = 20
"""Seconds that a server has to end before it is killed."""
DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux: a job that is killed leaves no server behind on the GPU."""


class Server:
    """A process that serves one job on this machine alone.

    Args:
        config: its command, in which ``{port}`` becomes a free port.
    """

    def __init__(self, config: EndpointConfig) -> None:
        self.config, self.url = config, ""
        self.process: subprocess.Popen[bytes] | None = None
        self.output: IO[bytes] | None = None

    def start(self, stopped: Stopped) -> str:
        """Start it, unless it runs, and wait until it answers; return its address.

        Raises:
            InputError: it cannot be started, ended by itself, or does not answer in time.
            Interrupted: ``stopped`` said so.
        """
        if self.process is not None:
            return self.url
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/v1/"
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 - it stays open as long as the server
        words = [word.replace(PORT, str(port)) for word in self.config.serve]
        print(f"caption: starting {' '.join(words)}", file=sys.stderr, flush=True)
        try:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=_end_with_the_job,
            )  # fmt: skip
        except OSError as error:
            raise InputError(FIELD, f"cannot be started: {error}", "Give the server's command") from None
        self._wait(stopped)
        return self.url

    def _wait(self, stopped: Stopped) -> None:
        begin = time.monotonic()
        while not self._ready():
            self.look(stopped)
            if stopped():
                raise Interrupted
            if time.monotonic() - begin > self.config.start:
                found = f"did not answer within {self.config.start:g} s; it said: {self._said()}"
                raise InputError(FIELD, found, "Raise caption.endpoint.start, or correct the command")
            time.sleep(LOOK)
        print(f"caption: it answers after {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)

    def _ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}models", timeout=5).status_code < 500
        except httpx2.TransportError:
            return False

    def look(self, stopped: Stopped) -> None:
        """Raise InputError with the server's last words when it has ended, Interrupted if it was told to."""
        if self.process is not None and (code := self.process.poll()) is not None:
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                if stopped():
                    raise Interrupted
                time.sleep(LOOK / 4)
            remedy = "Correct the command; if it ran before, run again: answers that came are kept"
            raise InputError(FIELD, f"ended with code {code}; it said: {self._said()}", remedy)

    def _said(self, most: int = 1500) -> str:
        assert self.output is not None
        self.output.seek(max(0, self.output.seek(0, os.SEEK_END) - most))
        return self.output.read().decode(errors="replace").strip() or "nothing"

    def close(self) -> None:
        """End the server and what it started."""
        if self.process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(GRACE)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None


def problems(config: EndpointConfig) -> list[InputError]:
    """Whether the command is there; nothing is started."""
    program = config.serve[0]
    if shutil.which(program):
        return []
    found = f"the command '{program}' is not found"
    return [InputError(FIELD, found, "Install it, or give its path: it must be there on the jobs' nodes too")]


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_with_the_job() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)
