"""``export``: the accepted samples of one generator in formats that other tools read."""

from collections.abc import Callable
from pathlib import PurePath

from landloom.config.export import BOXES, ExportConfig
from landloom.data import samples
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.exporting import about, boxes
from landloom.exporting.coco import Coco
from landloom.exporting.coco_boxes import CocoBoxes
from landloom.exporting.collection import Collection, Writer, accepted, generator_of
from landloom.exporting.dota import Dota
from landloom.exporting.geojson_boxes import GeoJsonBoxes
from landloom.exporting.geotiff import GeoTiff
from landloom.exporting.imagefolder import ImageFolder
from landloom.exporting.mmsegmentation import MMSegmentation
from landloom.exporting.stac import Stac
from landloom.exporting.webdataset import WebDataset
from landloom.exporting.yolo import Yolo
from landloom.exporting.yolo_boxes import YoloBoxes, YoloObb
from landloom.runtime.command_line import In, Ins, Out

VERSION = 6
NEEDS = {"coco": "imagefolder", "coco-boxes": "imagefolder", "stac": "geotiff"}  # whose files they point to


def run(
    config: ExportConfig, dataset: str, statistics: In, curated: Ins, out: Out, min_trust: float = 0.0
) -> None:
    """Write the accepted samples of one generator to a folder, with ``dataset.json`` and a dataset card.

    Args:
        config: formats and licence; a format that points to another's files brings that format along.
        dataset: name of the dataset.
        statistics: the dataset statistics.
        curated: curated shards of one generator.
        out: folder of the export.
        min_trust: trust below which training ignores pixels; above 0 GeoTIFF has masks without them, too.

    Raises:
        InputError: the shards are not of one generator, or none of their samples was accepted, or
            boxes are asked for and the data have no objects.

    """
    real = Statistics.load(statistics)
    if boxed := [f for f in config.formats if f in BOXES and not real.objects]:
        remedy = "Give data.objects, or leave them out"
        raise InputError("export.formats", f"{', '.join(boxed)}, but the data have no objects", remedy)
    pieces = any({"collage", "repainted"} & set(samples.metadata(p)) for p in curated)
    collection = Collection(dataset, generator_of(curated), real, config.license, out, min_trust, pieces)
    wanted = {*config.formats, *(NEEDS[f] for f in config.formats if f in NEEDS)}
    formats = [f for f in about.FORMATS if f in wanted]
    found = about.facts(collection, curated)
    if not found["samples"]["accepted"]:
        raise InputError(
            curated[0], "no sample was accepted", "Loosen curate, or train the generator longer."
        )
    found |= {"boxes": boxes.facts(collection, curated, formats)} if BOXES & wanted else {}
    out.mkdir(parents=True)
    writers = [_writer(f, collection) for f in formats]
    for sample in accepted(curated):
        require_name(sample.id)
        for writer in writers:
            writer.add(sample)
    for writer in writers:
        writer.close()
    about.write(collection, found, formats)


def require_name(name: str) -> None:
    """Make sure that an id can name files: the shards may be somebody else's.

    Raises:
        InputError: it would lead into another folder, or hide the file.
    """
    if PurePath(name).name != name or name.startswith(".") or "\0" in name:
        found = "its id cannot be the name of a file"
        raise InputError(f"sample {name!r}", found, "Give shards that Landloom wrote")


def _writer(name: str, collection: Collection) -> Writer:
    makers: dict[str, Callable[[Collection], Writer]] = {
        "geotiff": GeoTiff,
        "imagefolder": ImageFolder,
        "coco": Coco,
        "stac": Stac,
        "webdataset": WebDataset,
        "mmsegmentation": MMSegmentation,
        "yolo-seg": Yolo,
        "coco-boxes": CocoBoxes,
        "dota": Dota,
        "yolo-boxes": YoloBoxes,
        "yolo-obb": YoloObb,
        "geojson-boxes": GeoJsonBoxes,
    }
    return makers[name](collection)
