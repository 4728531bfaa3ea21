"""Damage to files: bytes of any format, fields of a few, and words of texts. A seed gives the same damage."""

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import PurePath

import numpy as np

Rng = np.random.Generator
EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)
"""Numbers at which formats and programs break."""
WORDS = (
    "-1", "0", "1e999", "NaN", "99999999999999999999", '""', "null", "[]", "{}", "true", "1.5", '"x"', "é",
    "\x00", "=1+1", "../../etc/passwd", "[" * 3000, '{"a":' * 3000, "- " * 2000,
)  # fmt: skip
TEXTS = {".json", ".yaml", ".csv", ".tsv", ".txt", ".geojson", ".prj"}


def mutated(data: bytes, name: str, rng: Rng) -> bytes:
    """A damaged copy of a file; its name tells the format."""
    suffix = PurePath(name).suffix
    own = WORDY if suffix in TEXTS else FIELDS.get(suffix)
    for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
        chosen = own if own is not None and rng.random() < 0.6 else BYTES
        data = _pick(chosen, rng)(data, rng)
    return data


def _pick(among: tuple[Callable[[bytes, Rng], bytes], ...], rng: Rng) -> Callable[[bytes, Rng], bytes]:
    return among[int(rng.integers(len(among)))]


def _place(data: bytes, rng: Rng) -> int:
    """A byte; headers and ends more often than what lies between."""
    size = max(1, len(data))
    near = int(rng.integers(min(size, 256)))
    return [near, size - 1 - near, int(rng.integers(size))][int(rng.integers(3))]


def _flipped(data: bytes, rng: Rng) -> bytes:
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        if found:
            found[_place(data, rng)] ^= 1 << int(rng.integers(8))
    return bytes(found)


def _cut(data: bytes, rng: Rng) -> bytes:
    return data[: _place(data, rng)]


def _without(data: bytes, rng: Rng) -> bytes:
    start = _place(data, rng)
    return data[:start] + data[start + int(rng.integers(1, 64)) :]


def _twice(data: bytes, rng: Rng) -> bytes:
    start, size = _place(data, rng), int(rng.integers(1, 512))
    return data[: start + size] + data[start : start + size] + data[start + size :]


def _swapped(data: bytes, rng: Rng) -> bytes:
    size = int(rng.integers(1, 64))
    a, b = sorted((_place(data, rng), _place(data, rng)))
    if b < a + size:
        return data
    return data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]


def _filled(data: bytes, rng: Rng) -> bytes:
    start, size = _place(data, rng), int(rng.integers(1, 64))
    return data[:start] + bytes([int(rng.choice([0, 255, 65]))]) * size + data[start + size :]


def _noise(data: bytes, rng: Rng) -> bytes:
    start = _place(data, rng)
    return data[:start] + rng.bytes(int(rng.integers(1, 32))) + data[start:]


def _number(data: bytes, rng: Rng) -> bytes:
    """A number of 1, 2, 4 or 8 bytes, in either order, becomes one at an edge."""
    size, order = int(rng.choice([1, 2, 4, 8])), ("little", "big")[int(rng.integers(2))]
    value = int(EDGES[int(rng.integers(len(EDGES)))]) % 256**size
    start = _place(data, rng) // size * size
    return data[:start] + value.to_bytes(size, order) + data[start + size :]  # type: ignore[arg-type]


BYTES = (_flipped, _cut, _without, _twice, _swapped, _filled, _noise, _number, _number)


def _tiff(data: bytes, rng: Rng) -> bytes:
    """Count or value of an entry of the first directory of a TIFF: sizes, offsets, compression."""
    if data[:4] != b"II*\0" or len(data) < 8:
        return _number(data, rng)
    start = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, start)[0] if start + 2 <= len(data) else 0
    if not 0 < count < 200:
        return _number(data, rng)
    at = start + 2 + 12 * int(rng.integers(count)) + int(rng.choice([0, 2, 4, 8, 8, 8]))
    value = int(EDGES[int(rng.integers(11))]) if rng.random() < 0.7 else int(rng.integers(65536))
    return data[:at] + value.to_bytes(4, "little") + data[at + 4 :]


def _png(data: bytes, rng: Rng) -> bytes:
    """Chunks of a PNG: another header, another order, other data; with true check sums."""
    chunks, at = [], 8
    while at + 8 <= len(data):
        size = struct.unpack_from(">I", data, at)[0]
        chunks.append([data[at + 4 : at + 8], data[at + 8 : at + 8 + size]])
        at += 12 + size
    if len(chunks) < 2:
        return _number(data, rng)
    how = int(rng.integers(4))
    if how == 0:
        field = int(rng.choice([0, 4, 8, 9, 12]))
        value = int(EDGES[int(rng.integers(11))])
        size = 4 if field < 8 else 1
        head = chunks[0][1]
        chunks[0][1] = head[:field] + (value % 256**size).to_bytes(size, "big") + head[field + size :]
    elif how == 1:
        a, b = rng.integers(len(chunks), size=2)
        chunks[a], chunks[b] = chunks[b], chunks[a]
    elif how == 2:
        chunk = chunks[int(rng.integers(len(chunks)))]
        chunk[1] = _pick(BYTES, rng)(chunk[1], rng)
    else:
        del chunks[int(rng.integers(len(chunks)))]
    return data[:8] + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _jpeg(data: bytes, rng: Rng) -> bytes:
    """Sizes and components of a frame, or the length of any segment, of a JPEG."""
    marks = [m.start() for m in re.finditer(rb"\xff[\xc0-\xfe]", data)]
    frames = [m for m in marks if data[m + 1] in (0xC0, 0xC1, 0xC2)]
    chosen = frames if frames and rng.random() < 0.5 else marks
    if not chosen:
        return _number(data, rng)
    at = chosen[int(rng.integers(len(chosen)))] + int(rng.choice([2, 4, 5, 7, 9, 10]))
    value = int(rng.choice([0, 1, 7, 255, 4096, 32768, 65535]))
    return data[:at] + value.to_bytes(2, "big") + data[at + 2 :]


def _tensors(data: bytes, rng: Rng) -> bytes:
    """The header of a safetensors file, as text; its length fits again in most cases."""
    size = int.from_bytes(data[:8], "little")
    head = _pick(WORDY, rng)(data[8 : 8 + size], rng)
    length = len(head) if rng.random() < 0.8 else int(EDGES[int(rng.integers(len(EDGES)))])
    return length.to_bytes(8, "little") + head + data[8 + size :]


def _parquet(data: bytes, rng: Rng) -> bytes:
    """The footer of a Parquet file; its length fits again in most cases."""
    size = int.from_bytes(data[-8:-4], "little")
    foot = _pick(BYTES, rng)(data[-8 - size : -8], rng)
    length = len(foot) if rng.random() < 0.8 else int(EDGES[int(rng.integers(11))])
    return data[: -8 - size] + foot + length.to_bytes(4, "little") + data[-4:]


FIELDS: dict[str, tuple[Callable[[bytes, Rng], bytes], ...]] = {
    ".tif": (_tiff,), ".png": (_png,), ".jpg": (_jpeg,), ".safetensors": (_tensors,), ".parquet": (_parquet,),
}  # fmt: skip


def _word(data: bytes, rng: Rng) -> bytes:
    """A number, a text or a word becomes another."""
    words = list(re.finditer(rb'"[^"]*"|[-+.\w]+', data))
    if not words:
        return data
    chosen = words[int(rng.integers(len(words)))]
    new = WORDS[int(rng.integers(len(WORDS)))].encode()
    if rng.random() < 0.2:
        new = words[int(rng.integers(len(words)))][0]
    return data[: chosen.start()] + new + data[chosen.end() :]


def _line(data: bytes, rng: Rng) -> bytes:
    """A line is left out, stands twice, or takes another one's place."""
    lines = data.splitlines(keepends=True) or [b""]
    a, b = (int(i) for i in rng.integers(len(lines), size=2))
    how = int(rng.integers(3))
    if how == 0:
        del lines[a]
    elif how == 1:
        lines.insert(a, lines[b])
    else:
        lines[a], lines[b] = lines[b], lines[a]
    return b"".join(lines)


def _sign(data: bytes, rng: Rng) -> bytes:
    """A sign of structure becomes another."""
    places = [m.start() for m in re.finditer(rb"[][{}:,;\"'\n]", data)]
    if not places:
        return data
    at = places[int(rng.integers(len(places)))]
    return data[:at] + b"][}{:,;\"'\n\t"[int(rng.integers(11)) :][:1] + data[at + 1 :]


WORDY = (_word, _word, _word, _line, _sign)
