"""WebDataset: tar files that trainings read from start to end, from a disk or over a network."""

import io
import json
import tarfile
from typing import Any

from landloom.data.samples import Sample
from landloom.exporting import pictures
from landloom.exporting.collection import Collection, legend, write_json
from landloom.raster import codec, png

SHARD_BYTES = 256 * 10**6
"""A tar file ends with the sample that reaches this size: large enough to be read at full speed, small enough
that a dataset has several, which readers shuffle and deal out to processes."""


class WebDataset:
    """Writes ``webdataset/train-<number>.tar`` and ``webdataset/classes.json``.

    A sample is ``<key>.image.png`` or ``.image.tif`` (all bands), ``<key>.json`` and ``<key>.mask.png``, and
    ``<key>.trusted.png`` where training ignored pixels of little trust. Equal samples give equal bytes.
    """

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.root = collection.folder("webdataset")
        self.count = 0
        self.tar: tarfile.TarFile | None = None

    def add(self, sample: Sample) -> None:
        """Write the files of one sample side by side, sorted by name; the first one begins a tar file."""
        if self.tar is None:
            path = self.root / f"train-{self.count:06d}.tar"
            self.tar, self.count = tarfile.open(path, "w", format=tarfile.PAX_FORMAT), self.count + 1  # noqa: SIM115
        for name, data in sorted(self._files(sample).items()):
            self.tar.addfile(_member(f"{key(sample.id)}.{name}", len(data)), io.BytesIO(data))
        if self.tar.offset >= SHARD_BYTES:
            self._end()

    def close(self) -> None:
        """End the last tar file, and write which mask value is which class."""
        self._end()
        write_json(self.root / "classes.json", legend(self.collection.classes))

    def _end(self) -> None:
        if self.tar is not None:
            self.tar.close()
        self.tar = None

    def _files(self, sample: Sample) -> dict[str, bytes]:
        image = codec.encode(sample.image_array())
        kind = "png" if image.startswith(png.SIGNATURE) else "tif"
        text = json.dumps(self._about(sample), ensure_ascii=False, allow_nan=False)
        files = {f"image.{kind}": image, "mask.png": pictures.mask(sample), "json": text.encode()}
        if self.collection.min_trust:
            files["trusted.png"] = codec.encode(sample.trusted_mask(self.collection.min_trust))
        return files

    def _about(self, sample: Sample) -> dict[str, Any]:
        """What is known of a sample; few fields are null, as readers take types from the first samples."""
        return {
            "id": sample.id,
            "synthetic": True,
            "statement": self.collection.statement,
            "license": self.collection.license,
            "generator": self.collection.generator,
            "seed": sample.seed,
            "caption": sample.caption or "",
            "ratios": [round(r, 6) for r in sample.ratios],
            "parents": sample.parents,
            "crs": sample.crs or "",
            "transform": [float(v) for v in sample.transform or []],
        }


def key(name: str) -> str:
    """An id as the key of a sample, which ends at the first dot for readers; '%2E' stands for a dot."""
    return name.replace("%", "%25").replace(".", "%2E")


def _member(name: str, size: int) -> tarfile.TarInfo:
    """The head of a file in a tar file. Time and owner are tarfile's constants: 1970, and 0."""
    member = tarfile.TarInfo(name)
    member.size = size
    return member
