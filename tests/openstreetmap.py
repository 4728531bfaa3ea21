"""A small .osm.pbf file, written as https://wiki.openstreetmap.org/wiki/PBF_Format says."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

Tags = Mapping[str, str]


def write(
    path: Path, nodes: Mapping[int, tuple[float, float]], ways: Sequence[tuple[int, Sequence[int], Tags]]
) -> Path:
    """An extract with nodes (longitude, latitude) by number, and ways of number, nodes and tags."""
    words = ["", *dict.fromkeys(w for _, _, tags in ways for pair in tags.items() for w in pair)]
    points = [field(1, _node(number, *place)) for number, place in nodes.items()]
    lines = [field(3, _way(number, refs, tags, words)) for number, refs, tags in ways]
    table = field(1, b"".join(field(1, w.encode()) for w in words))
    block = table + field(2, b"".join(points)) + field(2, b"".join(lines))
    header = field(4, b"OsmSchema-V0.6") + field(4, b"DenseNodes")
    path.write_bytes(_blob("OSMHeader", header) + _blob("OSMData", block))
    return path


def _node(number: int, lon: float, lat: float) -> bytes:
    return b"".join(
        varint_field(n, signed(round(v))) for n, v in ((1, number), (8, lat * 1e7), (9, lon * 1e7))
    )


def _way(number: int, refs: Sequence[int], tags: Tags, words: Sequence[str]) -> bytes:
    keys, values = ([words.index(w) for w in part] for part in (tags.keys(), tags.values()))
    steps = [signed(b - a) for a, b in zip([0, *refs], refs, strict=False)]
    packed = [field(n, b"".join(map(varint, v))) for n, v in ((2, keys), (3, values), (8, steps))]
    return varint_field(1, number) + b"".join(packed)


def _blob(kind: str, content: bytes) -> bytes:
    blob = field(1, content)
    header = field(1, kind.encode()) + varint_field(3, len(blob))
    return struct.pack(">I", len(header)) + header + blob


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def signed(value: int) -> int:
    """Zigzag: small numbers of either sign are small."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def field(number: int, content: bytes) -> bytes:
    """A field of bytes, with their length."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint_field(number: int, value: int) -> bytes:
    """A field of a number."""
    return varint(number << 3) + varint(value)
