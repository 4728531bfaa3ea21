"""The sample shard: the one format between stages.

A shard is a Parquet file with one row a sample. ``image`` and ``mask`` are lossless files of their own (PNG,
or GeoTIFF for more than 8 bits or bands), so pandas, DuckDB and ``datasets`` read a shard without us.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from landloom.errors import InputError
from landloom.raster import codec

IGNORE = 255
"""Mask value of pixels without a class."""

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("image", pa.binary()),
        ("mask", pa.binary()),
        ("scene", pa.string()),
        ("row", pa.int32()),
        ("col", pa.int32()),
        ("crs", pa.string()),
        ("transform", pa.list_(pa.float64())),
        ("split", pa.string()),
        ("ratios", pa.list_(pa.float32())),
        ("caption", pa.string()),
        ("source", pa.string()),
        ("seed", pa.int64()),
        ("target_ratios", pa.list_(pa.float32())),
        ("trust", pa.binary()),
        ("parents", pa.list_(pa.string())),
        ("note", pa.string()),
    ]
)
ROWS_PER_GROUP = 256


@dataclass
class Sample:
    """One image-mask pair; what is not known yet is None.

    Attributes:
        id: unique name.
        image: encoded image, or None for a mask that has no image yet.
        mask: encoded class indices, 255 where ignored.
        scene: scene of origin, or the generator's name.
        row: upper edge in the scene, pixels.
        col: left edge in the scene, pixels.
        crs: coordinate system (WKT or authority code) or None.
        transform: six affine coefficients, pixel to map, or None.
        split: train, val or test; synthetic samples are train.
        ratios: share of each class among pixels with a class, from the hard mask.
        caption: words for the image.
        source: 'real' or the generator's name.
        seed: seed of a synthetic sample.
        target_ratios: class shares that were asked for.
        trust: encoded uint8 raster, 255 for fully trusted pixels.
        parents: ids of samples it was made from.
        note: mix of the request, or why the sample was rejected.
    """

    id: str
    mask: bytes
    image: bytes | None = None
    scene: str = ""
    row: int = 0
    col: int = 0
    crs: str | None = None
    transform: list[float] | None = None
    split: str = "train"
    ratios: list[float] = field(default_factory=list)
    caption: str | None = None
    source: str = "real"
    seed: int | None = None
    target_ratios: list[float] | None = None
    trust: bytes | None = None
    parents: list[str] = field(default_factory=list)
    note: str | None = None

    def mask_array(self) -> NDArray[np.uint8]:
        """The mask as (H, W) class indices."""
        return codec.decode(self.mask)[0].astype(np.uint8, copy=False)

    def image_array(self) -> NDArray[Any]:
        """The image as (C, H, W) in its own units."""
        if self.image is None:
            raise ValueError(f"sample {self.id} has no image")
        return codec.decode(self.image)

    def trust_array(self) -> NDArray[np.uint8]:
        """The trust raster as (H, W), 255 everywhere when none is stored."""
        if self.trust is None:
            return np.full_like(self.mask_array(), 255)
        return codec.decode(self.trust)[0].astype(np.uint8, copy=False)

    def trusted_mask(self, min_trust: float) -> NDArray[np.uint8]:
        """The mask (H, W) with pixels trusted less than ``min_trust`` (0 to 1) set to IGNORE."""
        mask = self.mask_array()
        if self.trust is None or min_trust <= 0:
            return mask
        return np.where(self.trust_array() < min_trust * 255, np.uint8(IGNORE), mask)


def class_ratios(mask: NDArray[np.integer[Any]], classes: int) -> list[float]:
    """Share of each class among the pixels of a mask that have one (IGNORE left out)."""
    counts = np.bincount(mask.ravel(), minlength=256)[:classes].astype(np.float64)
    total = counts.sum()
    return [float(c) for c in (counts / total if total else counts)]


class ShardWriter:
    """Writes samples to a shard, a group of rows at a time, so that memory stays small."""

    def __init__(self, path: Path, metadata: dict[str, Any] | None = None) -> None:
        text = {b"landloom": json.dumps(metadata or {}, sort_keys=True).encode()}
        self.writer = pq.ParquetWriter(path, SCHEMA.with_metadata(text), compression="zstd")
        self.rows: list[Sample] = []

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        self.writer.close()

    def add(self, sample: Sample) -> None:
        """Add one sample."""
        self.rows.append(sample)
        if len(self.rows) >= ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self.rows:
            columns = {f.name: [getattr(s, f.name) for s in self.rows] for f in fields(Sample)}
            self.writer.write_table(pa.table(columns, schema=self.writer.schema))
            self.rows = []


def write(path: Path, samples: Iterable[Sample], metadata: dict[str, Any] | None = None) -> None:
    """Write samples to a shard, in the given order."""
    with ShardWriter(path, metadata) as writer:
        for sample in samples:
            writer.add(sample)


def read(paths: Path | Sequence[Path], split: str | None = None) -> Iterator[Sample]:
    """Yield the samples of shards in order, of one split if given.

    Raises:
        InputError: a file is not a sample shard.
    """
    for path in [paths] if isinstance(paths, Path) else paths:
        with _open(path) as file:
            for batch in file.iter_batches(batch_size=ROWS_PER_GROUP):
                for row in batch.to_pylist():
                    if split is None or row["split"] == split:
                        yield Sample(**row)


def rows(paths: Sequence[Path], split: str) -> list[int]:
    """Rows of one split's samples, counted over all shards."""
    return [i for i, found in enumerate(columns(paths, ["split"])["split"]) if found == split]


def pick(paths: Sequence[Path], wanted: Collection[int]) -> Iterator[Sample]:
    """Yield the samples in some rows, counted over all shards, in their order; no other is unpacked."""
    start, ordered = 0, sorted(set(wanted))
    for path in paths:
        with _open(path) as file:
            for batch in file.iter_batches(batch_size=ROWS_PER_GROUP):
                end = start + batch.num_rows
                inside = [i - start for i in ordered if start <= i < end]
                for row in batch.take(pa.array(inside, pa.int64())).to_pylist():
                    yield Sample(**row)
                start = end


def columns(paths: Sequence[Path], names: Sequence[str]) -> dict[str, list[Any]]:
    """Read a few columns of shards, without touching images."""
    tables = []
    for path in paths:
        with _open(path) as file:
            tables.append(file.read(columns=list(names)))
    return {n: pa.concat_tables(tables)[n].to_pylist() if tables else [] for n in names}


def metadata(path: Path) -> dict[str, Any]:
    """What the writer of a shard stored about it."""
    with _open(path) as file:
        found: dict[str, Any] = json.loads((file.schema_arrow.metadata or {}).get(b"landloom", b"{}"))
    return found


def _open(path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(path, f"not a readable Parquet file ({error})", "Delete it and run again") from None
    if missing := set(SCHEMA.names) - set(file.schema_arrow.names):
        raise InputError(
            path, f"columns are missing: {', '.join(sorted(missing))}", "Delete it and run again"
        )
    return file
