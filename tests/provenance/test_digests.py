import json
import os
import shutil
import time
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

import pytest

from landloom.__main__ import execute
from landloom.provenance import digests, records

OLD = time.time_ns() - 3600 * 10**9


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Bytes that were hashed since this was asked last, in a folder where jobs run."""
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)
    sizes: list[int] = []
    original = records.sha256

    def sha256(file: BufferedReader) -> str:
        sizes.append(os.fstat(file.fileno()).st_size)
        return original(file)

    def since() -> int:
        total = sum(sizes)
        sizes.clear()
        return total

    monkeypatch.setattr(records, "sha256", sha256)
    monkeypatch.setattr(digests, "SMALL", 0)
    return since


def write(path: Path, content: str, changed: int = OLD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, ns=(changed, changed))
    return path


def entries() -> list[Path]:
    return [p for p in digests.FOLDER.rglob("*") if p.is_file()]


def test_a_file_is_read_once(read: Callable[[], int], tmp_path: Path) -> None:
    file = write(tmp_path / "a.tif", "hello")
    assert [digests.remembered(file) for _ in range(3)] == [records.digest(file)] * 3
    assert read() == 5 + 5  # one of these by provenance.digest, which always reads
    assert digests.remembered(Path("a.tif")) == records.digest(file)
    assert read() == 5


def test_a_folder_is_read_once_and_then_what_changed_in_it(read: Callable[[], int], tmp_path: Path) -> None:
    for name in ("a", "b/c", "b/d"):
        write(tmp_path / "model" / name, name * 10)
    write(tmp_path / "model/b/x.prov.json", "no part of it")
    folder = tmp_path / "model"
    assert digests.remembered(folder) == digests.remembered(folder)
    assert read() == 10 + 30 + 30
    write(folder / "b/d", "new")
    (folder / "b/c").rename(folder / "b/e")
    assert digests.remembered(folder) == records.digest(folder)
    assert read() == (3 + 30) + (10 + 3 + 30)
    digests.remembered(folder)
    assert read() == 0


def test_a_file_that_changed_just_now_is_not_believed(read: Callable[[], int], tmp_path: Path) -> None:
    now = time.time_ns()
    file = write(tmp_path / "a", "one", now)
    digests.remembered(file)
    write(file, "two", now)  # within the same tick of the clock: size, time and inode are as before
    assert digests.remembered(file) == records.digest(file)
    late = write(tmp_path / "b", "one", now + 10**12)  # a clock that is ahead
    digests.remembered(late)
    assert read() == 12
    digests.remembered(late)
    assert read() == 3
    assert not entries()


def test_the_slower_clock_counts(
    read: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "a", "one", time.time_ns())
    monkeypatch.setattr(digests.time, "time_ns", lambda: OLD + 10**15)  # this machine is ahead of the server
    digests.remembered(file)
    assert not entries()


@pytest.mark.parametrize("how", ["older", "other size", "copy", "moved over", "touched"])
def test_another_file_is_read_again(read: Callable[[], int], tmp_path: Path, how: str) -> None:
    file = write(tmp_path / "a", "one")
    digests.remembered(file)
    assert read() == 3
    if how == "older":
        write(file, "two", OLD - 10**12)
    elif how == "other size":
        write(file, "three")
    elif how == "copy":
        shutil.copy2(file, tmp_path / "b")
        (tmp_path / "b").rename(file)
    elif how == "moved over":
        write(tmp_path / "b", "two").rename(file)
    else:
        file.touch()
        os.utime(file, ns=(OLD + 1, OLD + 1))
    assert digests.remembered(file) == records.digest(file)
    assert read() == 2 * file.stat().st_size
    digests.remembered(file)
    assert read() == 0


def test_a_change_while_it_is_read_is_seen_the_next_time(
    read: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "a", "one")
    original = records.sha256

    def slow(f: BufferedReader) -> str:
        found = original(f)
        file.write_text("two")
        return found

    monkeypatch.setattr(records, "sha256", slow)
    digests.remembered(file)
    monkeypatch.setattr(records, "sha256", original)
    assert digests.remembered(file) == records.digest(file)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"path": 3, "files": {}}', "\x00\x00", "other path"])
def test_a_broken_entry_is_written_anew(read: Callable[[], int], tmp_path: Path, content: str) -> None:
    file = write(tmp_path / "a", "one")
    right = digests.remembered(file)
    (entry,) = entries()
    wrong = json.dumps(json.loads(entry.read_text()) | {"path": "/elsewhere"})
    entry.write_text(wrong if content == "other path" else content)
    assert [digests.remembered(file), digests.remembered(file)] == [right, right]
    assert read() == 6
    assert entries() == [entry]  # and no partial file is left


def test_without_results_or_room_nothing_is_remembered(
    read: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "a", "one")
    (tmp_path / "results").rmdir()
    assert [digests.remembered(file), digests.remembered(file)] == [records.digest(file)] * 2
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    (tmp_path / "results").mkdir()

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    digests.remembered(file)
    assert not entries()


def test_small_files_are_not_remembered(
    read: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "SMALL", 4)
    small, large = write(tmp_path / "a", "one"), write(tmp_path / "b", "three")
    for _ in range(3):
        assert digests.remembered(small) == records.digest(small)
        digests.remembered(large)
    assert read() == 6 * 3 + 5
    assert len(entries()) == 1


def test_links_are_followed(read: Callable[[], int], tmp_path: Path) -> None:
    write(tmp_path / "v1", "one")
    write(tmp_path / "v2", "two")
    link = tmp_path / "model"
    link.symlink_to("v1")
    first = digests.remembered(link)
    link.unlink()
    link.symlink_to("v2")
    assert (first, digests.remembered(link)) == tuple(records.digest(tmp_path / v) for v in ("v1", "v2"))


def test_jobs_read_an_input_once_and_the_audit_reads_it_always(
    read: Callable[[], int], tmp_path: Path
) -> None:
    root = tmp_path / "results/d"
    statistics = write(root / "statistics.json", "{}")

    def audit() -> None:
        arguments = ["--config", "{}", "--root", str(root), "--out", str(root / "audit.json")]
        execute(
            "audit", [*arguments, "--provenance", str(root / "provenance.json"), "--after", str(statistics)]
        )

    assert digests.remembered(statistics) == digests.remembered(statistics)
    assert read() == 2
    audit()  # which also hashes the package's code, once
    read()
    audit()
    assert read() >= 2
