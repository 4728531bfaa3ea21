"""The endpoint against a server that others wrote: ``transformers serve`` with a tiny Qwen2-VL.

It needs ``pip install fastapi uvicorn openai``; run with ``pytest -m slow``.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from landloom.captioning.qwen_vl import QwenVl
from landloom.captioning.store import Store
from landloom.config.caption import CaptionConfig
from landloom.errors import InputError
from tests import vision
from tests.captioning.conftest import Scene, settings
from tests.captioning.test_qwen_vl import ask, questions

pytestmark = pytest.mark.slow
SAYS = "Green fields and a small forest beside a winding river."
SERVE = """
import io, sys
import numpy as np, torch, torchvision.io
from PIL import Image

def decode_image(data, *_, **__):  # torchvision's own needs libraries that its CPU build may lack
    picture = Image.open(io.BytesIO(data.numpy().tobytes())).convert("RGB")
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)

torchvision.io.decode_image = decode_image
from transformers.cli.transformers import main
sys.argv = ["transformers", "serve", "--host", "127.0.0.1", "--port", sys.argv[1]]
main()
"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def served(port: int, home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The server, ready to answer; killed at the end."""
    (home / "hub").mkdir(parents=True, exist_ok=True)
    offline = {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], env=os.environ | offline)
    try:
        deadline = time.monotonic() + 120
        while not _ready(port):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _ready(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture(autouse=True)
def _installed() -> None:
    for name in ("fastapi", "uvicorn", "openai"):
        pytest.importorskip(name)


def server_settings(port: int, model: Path, **changes: object) -> CaptionConfig:
    endpoint = {"model": str(model), "attempts": 2, "timeout": 60, "concurrency": 2}
    return settings(
        f"http://127.0.0.1:{port}/v1", endpoint=endpoint, prompt="Describe.", answer=60, **changes
    )


def test_the_server_says_what_the_model_says_here(tmp_path: Path) -> None:
    from landloom.captioning.endpoint import Endpoint

    model, port = vision.save(tmp_path / "raw"), free_port()
    local = CaptionConfig.model_validate(
        {"backend": "qwen_vl", "answer": 60, "qwen_vl": {"source": str(model), "precision": "fp32"}}
    )
    with served(port, tmp_path / "home"):
        assert ask(Endpoint(server_settings(port, model)), questions()) == ask(QwenVl(local), questions())


def test_a_server_that_is_killed_half_way(scene: Scene, tmp_path: Path) -> None:
    """Every tile is captioned once: the store holds one line for each."""
    scene.make(12)
    model, port = vision.save(tmp_path / "speaking", SAYS), free_port()
    config = server_settings(port, model)
    with served(port, tmp_path / "home") as process:
        from tests.captioning.test_endpoint import start, wait

        job = start(scene, config)
        wait(lambda: scene.store.exists() and len(scene.store.read_text().splitlines()) >= 3)
        process.kill()
        assert job.wait(60) == 1
    half = scene.store.read_text().splitlines()
    assert 3 <= len(half) < 12
    with pytest.raises(InputError, match="gave up after 2 tries: ConnectError"):
        scene.caption(config)
    with served(port, tmp_path / "home"):
        table = scene.caption(config)
    assert table["caption"].tolist() == [SAYS] * 12
    lines = scene.store.read_text().splitlines()
    assert lines[: len(half)] == half
    assert len(lines) == len(Store(scene.store).answers) == 12
