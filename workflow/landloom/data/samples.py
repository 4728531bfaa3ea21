"""The sample shard: the one format between stages.

A shard is a Parquet file with one row a sample. ``image`` and ``mask`` are lossless files of their own (PNG,
or GeoTIFF for more than 8 bits or bands), so pandas, DuckDB and ``datasets`` read a shard without us.
"""

import datetime
import json
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from landloom.data.columns import REQUIRED, built, fits, plain, required, struct, types, value
from landloom.data.layers import Layer
from landloom.data.objects import Object
from landloom.data.quality import Quality
from landloom.data.stored_tables import require_bounded
from landloom.errors import InputError
from landloom.raster import codec
from landloom.raster.histogram import occurrences
from landloom.raster.labels import IGNORE
from landloom.runtime import phases
from landloom.runtime.reading import reading

GROUP_BYTES = 8 * 10**6
"""Encoded pixels in a row group. Reading one tile reads its whole group, so groups must be small."""
GROUP_ROWS = 256
TOTALS = "landloom.totals"
"""Key of the metadata that are written last, so that they are not in the schema."""
DAMAGED, AGAIN = "not a readable Parquet file", "Delete it and run again"
PIXELS = ("id", "image", "mask", "trust")
"""What a training reads of a sample."""


@dataclass
class Requested:
    """What a plan asked for.

    Attributes:
        mix: name of the mix in the plan.
        attempt: which of several tries was kept, from 1; None for a real mask.
        repaired: pixels that quota repair changed; None when it was off.
    """

    mix: Annotated[str, pa.string()] = ""
    attempt: Annotated[int | None, pa.int32()] = None
    repaired: Annotated[int | None, pa.int32()] = None


@dataclass
class Meta:
    """Where, when and how an image was taken; None for what is not known.

    Attributes:
        lon: longitude of the centre, degrees east.
        lat: latitude of the centre, degrees north.
        gsd: ground sampling distance, metres.
        cloud: share of cloud, 0 to 1.
        acquired: day of acquisition (UTC).
    """

    lon: Annotated[float | None, pa.float64()] = None
    lat: Annotated[float | None, pa.float64()] = None
    gsd: Annotated[float | None, pa.float64()] = None
    cloud: Annotated[float | None, pa.float64()] = None
    acquired: Annotated[datetime.date | None, pa.date32()] = None


@dataclass
class Sample:
    """One image, usually with its mask; what is not known yet is None.

    The fields are the columns of a shard. A shard may lack all but the required ones, so a new field
    invalidates no shard.

    Attributes:
        id: unique name.
        mask: encoded class indices, 255 where ignored, or None.
        image: encoded image, or None for a mask that has no image yet.
        scene: scene of origin, or the generator's name.
        row: upper edge in the scene, pixels.
        col: left edge in the scene, pixels.
        crs: coordinate system (WKT or authority code) or None.
        transform: six affine coefficients, pixel to map, or None.
        split: train, val, test, or unlabelled for tiles without a mask; synthetic samples are train.
        ratios: share of each class among pixels with a class, from the hard mask; empty without one.
        caption: words for the image.
        source: 'real' or the generator's name.
        seed: seed of a synthetic sample.
        target_ratios: class shares that were asked for.
        trust: encoded uint8 raster, 255 for fully trusted pixels.
        parents: ids of samples it was made from.
        request: what the plan asked for, of a synthetic sample.
        quality: verdict and scores of a synthetic sample; None before it was judged.
        meta: place, date and cloud of the image.
        place: name of the piece of ground, the same for all dates and scales of it.
        layers: further rasters, each on its own grid.
        objects: objects in it; empty if there are none, None if nobody looked for any.
    """

    id: Annotated[str, pa.string(), REQUIRED]
    mask: Annotated[bytes | None, pa.binary()] = None
    image: Annotated[bytes | None, pa.binary()] = None
    scene: Annotated[str, pa.string(), REQUIRED] = ""
    row: Annotated[int, pa.int32(), REQUIRED] = 0
    col: Annotated[int, pa.int32(), REQUIRED] = 0
    crs: Annotated[str | None, pa.string(), REQUIRED] = None
    transform: Annotated[list[float] | None, pa.list_(pa.float64()), REQUIRED] = None
    split: Annotated[str, pa.string(), REQUIRED] = "train"
    ratios: Annotated[list[float], pa.list_(pa.float32())] = field(default_factory=list)
    caption: Annotated[str | None, pa.string()] = None
    source: Annotated[str, pa.string(), REQUIRED] = "real"
    seed: Annotated[int | None, pa.int64()] = None
    target_ratios: Annotated[list[float] | None, pa.list_(pa.float32())] = None
    trust: Annotated[bytes | None, pa.binary()] = None
    parents: Annotated[list[str], pa.list_(pa.string())] = field(default_factory=list)
    request: Annotated[Requested | None, struct(Requested)] = None
    quality: Annotated[Quality | None, struct(Quality)] = None
    meta: Annotated[Meta | None, struct(Meta)] = None
    place: Annotated[str | None, pa.string()] = None
    layers: Annotated[list[Layer], pa.list_(struct(Layer))] = field(default_factory=list)
    objects: Annotated[list[Object] | None, pa.list_(struct(Object))] = None

    def layer(self, name: str) -> list[Layer]:
        """Its layers of a name, in order; none if it has none."""
        return [layer for layer in self.layers if layer.name == name]

    def mask_array(self) -> NDArray[np.uint8]:
        """The mask as (H, W) class indices.

        Raises:
            InputError: there is none, or it is damaged.
        """
        if self.mask is None:
            raise self._lacks("mask")
        return self._raster(self.mask, "mask")[0].astype(np.uint8, copy=False)

    def image_array(self) -> NDArray[Any]:
        """The image as (C, H, W) in its own units.

        Raises:
            InputError: there is none, or it is damaged.
        """
        if self.image is None:
            raise self._lacks("image")
        return self._raster(self.image, "image")

    def trust_array(self) -> NDArray[np.uint8]:
        """The trust raster as (H, W), 255 everywhere when none is stored."""
        if self.trust is None:
            return np.full_like(self.mask_array(), 255)
        return self._raster(self.trust, "trust")[0].astype(np.uint8, copy=False)

    def _lacks(self, column: str) -> InputError:
        """The error for a raster that is not there."""
        remedy = "Give samples that have one; if it was there, the shard is damaged: run its job again"
        return InputError(f"sample {self.id}", f"has no {column}", remedy)

    def _raster(self, data: bytes, column: str) -> NDArray[Any]:
        """A raster of it (C, H, W)."""
        try:
            return codec.decode(data)
        except InputError as error:
            raise InputError(f"sample {self.id}, {column}", error.found, error.remedy) from None

    def trusted_mask(self, min_trust: float) -> NDArray[np.uint8]:
        """The mask (H, W) with pixels trusted less than ``min_trust`` (0 to 1) set to IGNORE."""
        mask = self.mask_array()
        if self.trust is None or min_trust <= 0:
            return mask
        return np.where(self.trust_array() < min_trust * 255, np.uint8(IGNORE), mask)


def class_ratios(mask: NDArray[np.integer[Any]], classes: int) -> list[float]:
    """Share of each class among the pixels of a mask that have one (IGNORE left out)."""
    counts = occurrences(mask.astype(np.uint8, copy=False))[:classes].astype(np.float64)
    total = counts.sum()
    return [float(c) for c in (counts / total if total else counts)]


SCHEMA = pa.schema(list(types(Sample).items()))
"""Columns of a shard and their types."""


@cache
def _leaves() -> tuple[list[str], list[str]]:
    """Columns as Parquet counts them, with structs and lists taken apart: encoded rasters, and others."""
    file = pa.BufferOutputStream()
    pq.write_table(SCHEMA.empty_table(), file)
    found = pq.ParquetFile(file.getvalue()).schema
    leaves = [found.column(i) for i in range(len(found))]
    rasters = [c.path for c in leaves if (c.physical_type, c.logical_type.type) == ("BYTE_ARRAY", "NONE")]
    return rasters, [c.path for c in leaves if c.path not in rasters]


class ShardWriter:
    """Writes samples to a shard, a group of rows at a time, so that memory stays small.

    Attributes:
        totals: what is known of all samples only at the end; stored then, if there is any.
    """

    def __init__(self, path: Path, metadata: dict[str, Any] | None = None) -> None:
        text = {b"landloom": json.dumps(metadata or {}, sort_keys=True).encode()}
        rasters, others = _leaves()
        # Rasters are files of their own that no compression shrinks and no dictionary repeats.
        self.writer = pq.ParquetWriter(
            path, SCHEMA.with_metadata(text), use_dictionary=others, write_statistics=others,
            compression=dict.fromkeys(rasters, "none") | dict.fromkeys(others, "zstd"),
        )  # fmt: skip
        self.totals: dict[str, Any] = {}
        self.rows: list[Sample] = []
        self.bytes = 0

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        if kind is None and self.totals:
            self.writer.add_key_value_metadata({TOTALS: json.dumps(self.totals, sort_keys=True)})
        with phases.during("write"):
            self.writer.close()

    def add(self, sample: Sample) -> None:
        """Add one sample."""
        self.rows.append(sample)
        parts = (sample.image, sample.mask, sample.trust, *(layer.raster for layer in sample.layers))
        self.bytes += sum(len(part) for part in parts if part)
        if self.bytes >= GROUP_BYTES or len(self.rows) >= GROUP_ROWS:
            self._flush()

    @phases.during("write")
    def _flush(self) -> None:
        if self.rows:
            columns = {n: [plain(getattr(s, n)) for s in self.rows] for n in types(Sample)}
            self.writer.write_table(pa.table(columns, schema=self.writer.schema))
            self.rows, self.bytes = [], 0


def write(path: Path, samples: Iterable[Sample], metadata: dict[str, Any] | None = None) -> None:
    """Write samples to a shard, in the given order."""
    with ShardWriter(path, metadata) as writer:
        for sample in samples:
            writer.add(sample)


def read(paths: Path | Sequence[Path], split: str | None = None) -> Iterator[Sample]:
    """Yield the samples of shards in order, of one split if given; one row group is in memory at a time.

    Raises:
        InputError: a file is not a sample shard.
    """
    for path in [paths] if isinstance(paths, Path) else paths:
        with _open(path) as file:
            for group in range(file.num_row_groups):
                with reading(path, DAMAGED, AGAIN):
                    found = None if split is None else _in_split(file, group, split)
                yield from _rows(path, file, group, found)


def _in_split(file: pq.ParquetFile, group: int, split: str) -> list[int]:
    names = file.read_row_group(group, columns=["split"])["split"].to_pylist()
    return [i for i, name in enumerate(names) if name == split]


def _rows(
    path: Path, file: pq.ParquetFile, group: int, wanted: Sequence[int] | None = None,
    names: Collection[str] = (),
) -> Iterator[Sample]:  # fmt: skip
    """Samples of a row group, or of some of its rows and columns; a group without any is not read."""
    if wanted is not None and not len(wanted):
        return
    known = [n for n in types(Sample) if n in file.schema_arrow.names and (not names or n in names)]
    with phases.during("load"), reading(path, DAMAGED, AGAIN):
        table = file.read_row_group(group, columns=known)
        table = table if wanted is None else table.take(pa.array(wanted, pa.int64()))
        found = table.to_pylist()
    for row in found:
        yield built(Sample, row)


class ShardReader:
    """Reads any rows of a shard, a row group at a time; the file stays open.

    Raises:
        InputError: the file is not a sample shard.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.file = path, _open(path)
        sizes = [self.file.metadata.row_group(g).num_rows for g in range(self.file.num_row_groups)]
        self.starts = np.concatenate([[0], np.cumsum(sizes)]).tolist()

    def rows(self, wanted: Sequence[int], names: Collection[str] = ()) -> Iterator[tuple[int, Sample]]:
        """Yield some rows (ascending) with their samples; of some columns alone, if they are named."""
        by_group: dict[int, list[int]] = {}
        for row in wanted:
            by_group.setdefault(bisect_right(self.starts, row) - 1, []).append(row)
        for group, chosen in by_group.items():
            found = _rows(self.path, self.file, group, [row - self.starts[group] for row in chosen], names)
            yield from zip(chosen, found, strict=True)


def rows(paths: Sequence[Path], *splits: str) -> list[int]:
    """Rows of the samples of some splits, counted over all shards."""
    return [i for i, found in enumerate(columns(paths, ["split"])["split"]) if found in splits]


def pick(paths: Sequence[Path], wanted: Collection[int]) -> Iterator[Sample]:
    """Yield the samples in some rows, counted over all shards, in their order; no other is unpacked."""
    start, ordered = 0, sorted(set(wanted))
    for path in paths:
        reader = ShardReader(path)
        end = start + reader.starts[-1]
        first, last = bisect_left(ordered, start), bisect_left(ordered, end)
        with reader.file:
            yield from (sample for _, sample in reader.rows([i - start for i in ordered[first:last]]))
        start = end


def named(path: Path, names: Collection[str]) -> Iterator[Sample]:
    """Yield the samples of a shard with some ids, in order."""
    found = set(names)
    return pick([path], [i for i, name in enumerate(columns([path], ["id"])["id"]) if name in found])


@phases.during("load")
def columns(paths: Sequence[Path], names: Sequence[str]) -> dict[str, list[Any]]:
    """Read a few columns of shards, without touching images; None where a shard lacks one."""
    found: dict[str, list[Any]] = {name: [] for name in names}
    for path in paths:
        with _open(path) as file, reading(path, DAMAGED, AGAIN):
            table = file.read(columns=[n for n in names if n in file.schema_arrow.names])
            for name in names:
                there = name in table.column_names
                cells = table[name].to_pylist() if there else [None] * file.metadata.num_rows
                found[name] += [value(Sample, name, cell) for cell in cells]
    return found


def table(paths: Sequence[Path], names: Sequence[str]) -> pa.Table:
    """A few columns of shards that all have them, as Arrow stores them: many times as fast as ``columns``."""
    parts = []
    for path in paths:
        with _open(path) as file, reading(path, DAMAGED, AGAIN):
            parts.append(file.read(columns=list(names)).replace_schema_metadata())
    return pa.concat_tables(parts).select(names)


def metadata(path: Path) -> dict[str, Any]:
    """What the writer of a shard stored about it."""
    with _open(path) as file, reading(path, DAMAGED, AGAIN):
        found: dict[str, Any] = json.loads((file.schema_arrow.metadata or {}).get(b"landloom", b"{}"))
    return found


def totals(path: Path) -> dict[str, Any]:
    """What the writer of a shard found out about all its samples; nothing in many shards."""
    with _open(path) as file, reading(path, DAMAGED, AGAIN):
        found: dict[str, Any] = json.loads((file.metadata.metadata or {}).get(TOTALS.encode(), b"{}"))
    return found


@phases.during("load")
def _open(path: Path) -> pq.ParquetFile:
    with reading(path, DAMAGED, AGAIN):
        file = pq.ParquetFile(path)
        require_bounded(file, path)
        found = {f.name: f.type for f in file.schema_arrow}
    remedy = "It is from another edition of Landloom: delete it and run again"
    if missing := sorted(required(Sample) - set(found)):
        raise InputError(path, f"columns are missing: {', '.join(missing)}", remedy)
    for name, kind in types(Sample).items():
        if name in found and not fits(found[name], kind):
            raise InputError(path, f"column '{name}' is {found[name]}, not {kind}", remedy)
    return file
