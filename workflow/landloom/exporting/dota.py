"""DOTA: pictures, and one line of text per object (https://captain-whu.github.io/DOTA/dataset.html)."""

from landloom.config.objects import dota_name
from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.exporting import boxes, pictures
from landloom.exporting.collection import Collection

HEAD = "imagesource:synthetic\ngsd:{gsd}\n"
"""Each line is one word: readers take longer ones for objects."""


class Dota:
    """Writes ``dota/images/<id>.png`` and ``dota/labelTxt/<id>.txt``."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.images = collection.folder("dota/images")
        self.labels = collection.folder("dota/labelTxt")
        self.names = [dota_name(c.name) for c in collection.statistics.objects or []]

    def add(self, sample: Sample) -> None:
        """Write a picture, and a line for each object; nothing of an image that nobody looked at."""
        objects = boxes.shown(sample)
        if objects is None:
            return
        gsd = sample.meta.gsd if sample.meta else None
        head = HEAD.format(gsd="null" if gsd is None else f"{gsd:.9g}")
        (self.images / f"{sample.id}.png").write_bytes(pictures.picture(self.collection, sample))
        text = head + "".join(self._line(o) for o in objects)
        (self.labels / f"{sample.id}.txt").write_text(text)

    def close(self) -> None:
        """Nothing is shared between the files."""

    def _line(self, one: Object) -> str:
        """Corners to a thousandth of a pixel, outside of the image, too; class; whether it is difficult."""
        corners = (f"{round(v, 3) + 0.0:.3f}" for v in one.corners)  # no -0.000
        return " ".join([*corners, self.names[one.category], str(int(one.difficult))]) + "\n"
