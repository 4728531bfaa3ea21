"""A static STAC catalog over the GeoTIFF files, as plain JSON (STAC 1.1)."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rasterio.crs import CRS

from landloom.data.samples import Sample
from landloom.exporting import footprint as place
from landloom.exporting.collection import Collection, legend, write_json
from landloom.raster.labels import IGNORE

VERSION = "1.1.0"
EXTENSIONS = [
    "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
]
TIFF = "image/tiff; application=geotiff"
# STAC wants a time. Synthetic samples have none, so the interval is left as wide as tools accept.
TIMES = {"datetime": None, "start_datetime": "1970-01-01T00:00:00Z", "end_datetime": "9999-12-31T23:59:59Z"}


class Stac:
    """Writes ``stac/catalog.json`` and ``stac/items/<id>.json``."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.items = collection.folder("stac/items")
        self.ids: list[str] = []

    def add(self, sample: Sample) -> None:
        """Write one item: image and mask assets, and a footprint when the place is known."""
        self.ids.append(sample.id)
        write_json(self.items / f"{sample.id}.json", self._item(sample))

    def close(self) -> None:
        """Write the catalog with a link to each item."""
        c = self.collection
        links = [_link("root", "./catalog.json"), *(_link("item", f"./items/{i}.json") for i in self.ids)]
        body = {
            "type": "Catalog",
            "id": f"{c.name}-{c.generator}",
            "stac_version": VERSION,
            "title": f"{c.name}: samples by {c.generator}",
            "description": f"Image-mask pairs by the generator {c.generator}. {c.statement.capitalize()}.",
            "links": links,
        }
        write_json(c.root / "stac" / "catalog.json", body)

    def _item(self, sample: Sample) -> dict[str, Any]:
        shape = list(sample.mask_array().shape)
        outline = place.ring(sample.crs, sample.transform, shape)
        item: dict[str, Any] = {
            "type": "Feature",
            "stac_version": VERSION,
            "stac_extensions": EXTENSIONS,
            "id": sample.id,
            "geometry": None if outline is None else place.geometry(outline),
            "properties": self._properties(sample) | projection(sample, shape),
            "links": [_link(rel, "../catalog.json") for rel in ("root", "parent")],
            "assets": self._assets(sample.id),
        }
        if outline is not None:  # STAC forbids a bbox where there is no geometry
            item["bbox"] = place.box(outline)
        return item

    def _properties(self, sample: Sample) -> dict[str, Any]:
        found = {
            "description": self.collection.statement,
            "license": self.collection.license,
            "landloom:synthetic": True,
            "landloom:generator": self.collection.generator,
            "landloom:seed": sample.seed,
            "landloom:caption": sample.caption,
            "landloom:parents": sample.parents,
        }
        return TIMES | found

    def _assets(self, name: str) -> dict[str, Any]:
        classes = described(legend(self.collection.classes))
        image = {"href": f"../../geotiff/images/{name}.tif", "type": TIFF, "roles": ["data"]}
        mask = {"href": f"../../geotiff/masks/{name}.tif", "type": TIFF, "roles": ["labels"]}
        return {"image": image, "mask": mask | {"classification:classes": classes}}


def footprint(sample: Sample, shape: list[int]) -> dict[str, Any] | None:
    """Outline of a sample in longitude and latitude (GeoJSON geometry), None when its place is not known."""
    outline = place.ring(sample.crs, sample.transform, shape)
    return None if outline is None else place.geometry(outline)


def projection(sample: Sample, shape: list[int]) -> dict[str, Any]:
    """Fields of the projection extension: authority code or WKT2, transform, shape (rows, columns)."""
    fields: dict[str, Any] = {"proj:code": None, "proj:shape": shape}
    if sample.crs:
        crs = CRS.from_user_input(sample.crs)
        authority = crs.to_authority()
        fields["proj:code"] = ":".join(authority) if authority else None
        fields |= {} if authority else {"proj:wkt2": crs.to_wkt(version="WKT2_2019")}
    if sample.transform is not None:
        fields["proj:transform"] = [float(v) for v in sample.transform]
    return fields


def described(classes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Describe classes; names may hold letters, digits, '-' and '_' only, so the title is the full name."""
    short = [re.sub(r"[^0-9A-Za-z_-]+", "_", c["name"]) for c in classes]
    count = Counter(name.lower() for name in short)
    return [
        {
            "value": c["id"],
            # 'a/b' and 'a b' are one name here, and names of other alphabets none.
            "name": s if s.strip("_") and count[s.lower()] == 1 else f"{s.strip('_') or 'class'}_{c['id']}",
            "title": c["name"],
            "color_hint": c["color"][1:].upper(),
            "nodata": c["id"] == IGNORE,
        }
        for s, c in zip(short, classes, strict=True)
    ]


def _link(rel: str, href: str) -> dict[str, str]:
    kind = "application/geo+json" if rel == "item" else "application/json"
    return {"rel": rel, "href": href, "type": kind}
