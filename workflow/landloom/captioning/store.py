"""Answers on disk: one JSON line each, written as soon as it is there, and never asked for again.

The key of an answer is a hash of picture, prompt and model, so that answers of several configs can share a
file. A line that a kill cut short is passed over.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from landloom.captioning.backend import Answer, Question


class Store:
    """The answers of one shard, and what others know.

    Args:
        path: the file; it is only ever appended to.
        others: files of other shards, whose answers count too: a tile may have been in another one.
    """

    def __init__(self, path: Path, others: Iterable[Path] = ()) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.lock = path, threading.Lock()
        self.answers: dict[str, Answer] = {}
        self.new = 0
        text = self._read(path) if path.exists() else ""
        for other in others:
            if other != path:
                self._read(other)
        if text and not text.endswith("\n"):
            self._append("\n")

    def _read(self, path: Path) -> str:
        text = path.read_text(encoding="utf-8", errors="replace")
        for line in text.split("\n"):  # no other sign ends a line of JSON
            self._take(line)
        return text

    def _take(self, line: str) -> None:
        try:
            row = json.loads(line)
            self.answers.setdefault(row.pop("key"), Answer(**row))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return

    def __contains__(self, key: str) -> bool:
        return key in self.answers

    def __getitem__(self, key: str) -> Answer:
        return self.answers[key]

    def add(self, key: str, answer: Answer) -> None:
        """Keep an answer; it is on disk when this returns. Safe to call from several threads."""
        with self.lock:
            self._append(json.dumps({"key": key} | asdict(answer), ensure_ascii=False) + "\n")
            self.answers[key] = answer
            self.new += 1

    def _append(self, text: str) -> None:
        with self.path.open("ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())


def key(question: Question, identity: str) -> str:
    """Key of an answer: SHA-256 of the pixels (as stored) with type and shape, the prompt and the model."""
    pixels = question.picture if question.stored is None else question.stored
    head = json.dumps([str(pixels.dtype), pixels.shape, question.prompt, identity])
    return hashlib.sha256(head.encode() + pixels.tobytes()).hexdigest()
