"""Answers on disk."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from landloom.captioning.backend import Answer, Question
from landloom.captioning.store import Store, key


def test_answers_come_back(tmp_path: Path) -> None:
    answer = Answer("Wälder\nund \u2028 Felder", 10, 3, complete=False)
    Store(tmp_path / "new/a.jsonl").add("k", answer)
    found = Store(tmp_path / "new/a.jsonl")
    assert "k" in found
    assert (found["k"], found.new) == (answer, 0)


def test_what_other_shards_know_is_not_asked_again(tmp_path: Path) -> None:
    Store(tmp_path / "a.jsonl").add("moved", Answer("1"))
    own = Store(tmp_path / "b.jsonl", [tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    assert "moved" in own
    own.add("new", Answer("2"))
    assert set(Store(tmp_path / "b.jsonl").answers) == {"new"}  # nothing is copied


def test_a_line_cut_short_is_passed_over_and_not_built_upon(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    Store(path).add("one", Answer("1"))
    path.write_bytes(path.read_bytes() + '{"key": "two", "text": "ü'.encode()[:-1])
    Store(path).add("three", Answer("3"))
    assert set(Store(path).answers) == {"one", "three"}


def test_lines_that_are_no_answers_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('[]\n{}\n3\n{"key": "x"}\n{"key": "y", "text": "t", "more": 1}\n')
    assert Store(path).answers == {}


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.jsonl")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: store.add(str(i), Answer("x" * 5000 + str(i))), range(40)))
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert sorted(int(json.loads(line)["key"]) for line in lines) == list(range(40))


def test_the_key_holds_picture_shape_prompt_and_model() -> None:
    flat = np.zeros((2, 8, 3), np.uint8)
    made = [
        key(Question(flat, "p"), "m"),
        key(Question(flat + np.uint8(1), "p"), "m"),
        key(Question(flat.reshape(4, 4, 3), "p"), "m"),
        key(Question(flat, "q"), "m"),
        key(Question(flat, "p"), "n"),
    ]
    assert len(set(made)) == 5
    assert made[0] == key(Question(flat.copy(), "p"), "m")


def test_stored_pixels_name_the_answer() -> None:
    dim, bright = np.zeros((2, 8, 3), np.uint8), np.ones((2, 8, 3), np.uint8)
    stored = np.full((3, 2, 8), 700, np.uint16)
    first = key(Question(dim, "p", stored), "m")
    assert key(Question(bright, "p", stored), "m") == first  # only the stretch moved
    assert key(Question(dim, "p", stored + np.uint16(1)), "m") != first
    assert key(Question(dim, "p", stored.view(np.int16)), "m") != first
