"""``dataset.json`` and ``README.md``: the questions people ask of a synthetic dataset, answered."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import landloom
from landloom.data import quality, samples
from landloom.exporting.collection import Collection, legend, write_json
from landloom.models.cards import cell
from landloom.provenance import records

FORMATS = {
    "geotiff": "`geotiff/images/<id>.tif`: all bands; `geotiff/masks/<id>.tif`: class indices, 255 = none",
    "imagefolder": '`imagefolder/`: `datasets.load_dataset("imagefolder", data_dir="imagefolder")`',
    "coco": "`coco/annotations.json`: run lengths per class; images are in `imagefolder/train/`, "
    "category ids are mask values",
    "stac": "`stac/catalog.json`: a static STAC catalog over the GeoTIFF files",
    "webdataset": "`webdataset/train-*.tar`: `<id>.image.png` or `.tif` (all bands), `<id>.mask.png`, "
    "`<id>.json`",
    "mmsegmentation": "`mmsegmentation/`: images, masks, and a config for `BaseSegDataset` in `README.md`",
    "yolo-seg": "`yolo-seg/data.yaml`: one polygon per region; holes are joined to its outline by slits",
    "coco-boxes": "`coco-boxes/annotations.json`: boxes and their four corners; images are in "
    "`imagefolder/train/`",
    "dota": "`dota/images/`, `dota/labelTxt/`: four corners in pixels, class and difficult",
    "yolo-boxes": "`yolo-boxes/data.yaml`: centre and sides of level boxes",
    "yolo-obb": "`yolo-obb/data.yaml`: four corners of boxes that may stand at an angle",
    "geojson-boxes": "`geojson-boxes/boxes.geojson`: boxes in longitude and latitude, where there is a place",
}

WHAT = {
    False: "no pixel is an observation of the Earth.",
    True: "pieces of real tiles, which `parents` in `dataset.json` name, and no observation of any place. "
    "The licence of those tiles holds for them.",
}
"""By whether images are, or start from, pieces of real tiles."""


def facts(collection: Collection, curated: Sequence[Path]) -> dict[str, Any]:
    """Collect what ``dataset.json`` says; reads the small columns of the curated shards only."""
    table = samples.columns(curated, ["id", "ratios", "seed", "parents", "quality", "target_ratios"])
    kept = [i for i, found in enumerate(table["quality"]) if quality.accepted(found)]
    reasons = Counter(", ".join(q.reasons) for q in table["quality"] if not quality.accepted(q))
    statistics = collection.statistics
    return {
        "name": f"{collection.name}-{collection.generator}",
        "statement": collection.statement,
        "generator": collection.generator,
        "license": collection.license,
        "samples": {"accepted": len(kept), "rejected": dict(sorted(reasons.items()))},
        "made_from_real_tiles": sum(bool(table["parents"][i]) for i in kept),
        "seeds": {table["id"][i]: table["seed"][i] for i in kept},
        "parents": {table["id"][i]: table["parents"][i] for i in kept if table["parents"][i]},
        "image": {
            "size": statistics.size,
            "bands": statistics.bands,
            "dtype": statistics.dtype,
            "rgb": statistics.rgb,
        },
        "classes": legend(collection.classes),
        "class_ratios": {
            "real_train": _named(collection, statistics.prior),
            "asked": _named(collection, _mean([table["target_ratios"][i] for i in kept])),
            "synthetic": _named(collection, _mean([table["ratios"][i] for i in kept])),
        },
        "reference": {"dataset": collection.name, "scenes": statistics.scenes, "tiles": statistics.tiles},
        "versions": {"landloom": landloom.__version__} | records.packages(),
    }


def write(collection: Collection, found: dict[str, Any], formats: Sequence[str]) -> None:
    """Write ``dataset.json`` and the dataset card ``README.md``."""
    write_json(collection.root / "dataset.json", found)
    (collection.root / "README.md").write_text(readme(collection, found, formats))


def readme(collection: Collection, found: dict[str, Any], formats: Sequence[str]) -> str:
    """Write out the dataset card, with the front matter that the Hugging Face Hub reads."""
    count, reference = found["samples"]["accepted"], found["reference"]
    tasks = "image-segmentation" + (", object-detection" if "boxes" in found else "")
    head = ["---", f"license: {collection.license.lower()}", f"task_categories: [{tasks}]"]
    head += ["tags: [remote-sensing, synthetic]", f"pretty_name: {found['name']}", "---"]
    intro = (
        f"{count} image-mask pairs by the Landloom generator `{collection.generator}`. "
        f"They are **synthetic**: {WHAT[collection.pieces]} "
        "Use them to train, never to test or to map."
    )
    source = (
        f"The generator worked from the train split of `{reference['dataset']}`: "
        f"{reference['tiles'].get('train', 0)} tiles of {found['image']['size']} pixels; "
        f"{reference['scenes']} scenes in all splits. "
        "Image quality was measured against real tiles of the same dataset."
    )
    files = [f"- {FORMATS[f]}" for f in formats]
    files.append("- `dataset.json`: generator, counts, class shares, seeds, parents, licence, versions")
    parts = ["\n".join(head), f"# {found['name']}", intro, "## Files", "\n".join(files)]
    parts += _boxes(found["boxes"]) if "boxes" in found else []
    return "\n\n".join([*parts, "## Classes", _shares(found), "## Source", source]) + "\n"


def _boxes(found: dict[str, Any]) -> list[str]:
    """How many boxes there are, and which samples have none."""
    counts = ", ".join(f"{cell(name)} {count}" for name, count in found["objects"].items())
    left = f"Left out, as nobody looked for objects in them: {found['not_looked_at']}"
    if "without_place" in found:
        left += f"; left out of GeoJSON, as they have no place on Earth: {found['without_place']}"
    return ["## Objects", f"Samples with a list of objects: {found['samples']} ({counts}). {left}."]


def _shares(found: dict[str, Any]) -> str:
    """Markdown table of classes with their share of pixels, in percent."""
    columns = [found["class_ratios"][k] for k in ("real_train", "asked", "synthetic")]
    lines = ["| id | class | colour | real train % | asked % | synthetic % |", "|---|---|---|---|---|---|"]
    for c in found["classes"][:-1]:
        shares = [col.get(c["name"]) for col in columns]
        shown = ["-" if s is None else f"{100 * s:.2f}" for s in shares]
        cells = [str(c["id"]), cell(c["name"]), f"`{c['color']}`", *shown]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _named(collection: Collection, ratios: Sequence[float] | None) -> dict[str, float | None]:
    """Class shares by class name; None for a share that is not known."""
    if ratios is None:
        return {}
    values = [None if np.isnan(r) else round(float(r), 6) for r in ratios]
    return dict(zip(collection.statistics.names, values, strict=True))


def _mean(rows: Sequence[Sequence[float] | None]) -> list[float] | None:
    """Mean share per class over the samples that have one; a class that was left free counts nowhere."""
    known = [r for r in rows if r]
    if not known:
        return None
    values = np.array(known, np.float64)
    counts = (~np.isnan(values)).sum(0)
    return [float(s / n) if n else float("nan") for s, n in zip(np.nansum(values, 0), counts, strict=True)]
