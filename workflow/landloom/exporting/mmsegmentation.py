"""MMSegmentation: the folders that its ``BaseSegDataset`` reads, and the settings to do so."""

from typing import Any

from landloom.data.samples import Sample
from landloom.exporting import pictures
from landloom.exporting.collection import Collection, write_json
from landloom.raster import palette
from landloom.raster.labels import IGNORE

CARD = """# {name} for MMSegmentation

{statement}. Licence: {license}.

Images are natural-colour PNGs, masks PNGs of class indices; {ignore} is ignored. Paste this into a config
(MMSegmentation 1.x) and set `data_root` to this folder. There is no val split: validate on real images.

```python
{fragment}```
"""


class MMSegmentation:
    """Writes ``mmsegmentation/img_dir/train/<id>.png``, ``ann_dir/train/<id>.png`` and ``metainfo.json``."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.root = collection.folder("mmsegmentation")
        self.images = collection.folder("mmsegmentation/img_dir/train")
        self.masks = collection.folder("mmsegmentation/ann_dir/train")

    def add(self, sample: Sample) -> None:
        """Write a picture and the mask."""
        (self.images / f"{sample.id}.png").write_bytes(pictures.picture(self.collection, sample))
        (self.masks / f"{sample.id}.png").write_bytes(pictures.mask(sample))

    def close(self) -> None:
        """Write ``metainfo.json`` (names and colours of classes) and ``README.md`` (a config)."""
        c = self.collection
        found = metainfo(c)
        write_json(self.root / "metainfo.json", found)
        text = CARD.format(
            name=f"{c.name}-{c.generator}", statement=c.statement.capitalize(), license=c.license,
            ignore=IGNORE, fragment=fragment(found),
        )  # fmt: skip
        (self.root / "README.md").write_text(text)


def metainfo(collection: Collection) -> dict[str, Any]:
    """Names and colours (red, green, blue) of the classes, by mask value."""
    colors = [list(palette.parse(color)) for color in collection.statistics.colors]
    return {"classes": collection.statistics.names, "palette": colors}


def fragment(found: dict[str, Any]) -> str:
    """Python settings of the dataset."""
    settings = {
        "type": "BaseSegDataset",
        "data_root": "mmsegmentation",
        "data_prefix": {"img_path": "img_dir/train", "seg_map_path": "ann_dir/train"},
        "img_suffix": ".png",
        "seg_map_suffix": ".png",
        "reduce_zero_label": False,
        "ignore_index": IGNORE,
    }
    lines = "".join(f"    {name}={value!r},\n" for name, value in settings.items())
    classes = f"    classes={tuple(found['classes'])!r},\n    palette={found['palette']!r},\n"
    return f"metainfo = dict(\n{classes})\ndataset = dict(\n{lines}    metainfo=metainfo,\n)\n"
