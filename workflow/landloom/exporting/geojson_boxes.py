"""GeoJSON (RFC 7946): boxes of objects on the map, in longitude and latitude."""

from typing import Any

from landloom.data.samples import Sample
from landloom.exporting import boxes, footprint
from landloom.exporting.collection import Collection, write_json


class GeoJsonBoxes:
    """Writes ``geojson-boxes/boxes.geojson``, one feature for each object that has a place on Earth."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.names = [c.name for c in collection.statistics.objects or []]
        self.features: list[dict[str, Any]] = []

    def add(self, sample: Sample) -> None:
        """Describe each object; nothing of an image that nobody looked at, or that has no place."""
        objects = boxes.shown(sample) or []
        rings = boxes.outlines(sample.crs, sample.transform, objects)
        for one, ring in zip(objects, rings, strict=True) if rings is not None else ():
            properties = {
                "class": self.names[one.category],
                "difficult": one.difficult,
                "sample": sample.id,
                "synthetic": True,
            }
            geometry = footprint.geometry(ring)
            self.features.append({"type": "Feature", "geometry": geometry, "properties": properties})

    def close(self) -> None:
        """Write the file."""
        c = self.collection
        body = {
            "type": "FeatureCollection",
            "name": f"{c.name}-{c.generator}",
            "description": f"{c.statement.capitalize()}. Licence: {c.license}.",
            "features": self.features,
        }
        write_json(c.folder("geojson-boxes") / "boxes.geojson", body)
