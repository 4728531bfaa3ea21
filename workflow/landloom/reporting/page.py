"""The page: gathers what is shown and fills the template."""

import base64
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import landloom
from landloom.data.quality import COPY
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.raster import codec
from landloom.reporting import captions, evidence_picture, figures, gather, labels, scene_views, tables
from landloom.reporting.captions import Captions
from landloom.reporting.display import WHOLE, Display
from landloom.reporting.gather import Entry, RealTiles, Row, Strip
from landloom.reporting.pictures import Picture, Thumbnails, side
from landloom.reporting.scene_views import SceneFiles

LIMIT = 20_000_000
"""Bytes of the page at most; scenes take what the rest leaves."""
MARGIN = 200_000
"""Bytes of what stands around the pictures of scenes, at most."""
PICTURES = 5e6
"""Bytes of the pictures of samples, where charts and tables leave so many."""
SHEETS, STRIP = 24, 6
"""Contact sheets, and rows of test tiles, at most."""
SCRIPTS = ("page.js", "zoom.js", "viewer.js")


@dataclass(frozen=True)
class Inputs:
    """What the page is made from; see ``stages/report.py``."""

    dataset: str
    command: str
    title: str
    examples: int
    statistics: Statistics
    source: Sequence[str]
    tiles: Sequence[Path]
    captions: Captions
    captions_shown: int
    entries: Sequence[Entry]
    metrics: Sequence[Path]
    runs: Sequence[Path]
    tables: dict[str, pd.DataFrame]
    evidence: pd.DataFrame | None = None
    scenes: Sequence[SceneFiles] = ()

    @property
    def generators(self) -> list[str]:
        """Names of the generators, in the order of their shards."""
        return list(dict.fromkeys(e.generator for e in self.entries))

    def groups(self) -> dict[tuple[str, str], list[Entry]]:
        """Group the accepted entries by generator and mix."""
        found: dict[tuple[str, str], list[Entry]] = {}
        for e in self.entries:
            if e.accepted:
                found.setdefault((e.generator, e.mix), []).append(e)
        return dict(list(found.items())[:SHEETS])


def render(inputs: Inputs, tiles: RealTiles, display: Display) -> str:
    """Make the whole page; with smaller pictures where there would be more than ``LIMIT``."""
    here = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(here),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = "\n".join((here / name).read_text() for name in SCRIPTS)
    style = (here / "page.css").read_text()
    parts = {"style": Markup(style), "script": Markup(script), "allowed": digest(script)}
    template = environment.get_template("template.html.j2")
    for share in (1, 1 / 4, 1 / 16):
        values = content(inputs, tiles, display, share) | parts
        room = LIMIT - MARGIN - len(template.render(values | {"scenes": []}).encode())
        if room > 0:
            break
    page = template.render(values | {"scenes": scene_views.section(inputs.scenes, display, room)})
    if (size := len(page.encode())) > LIMIT:
        print(f"warning: the page has {size / 1e6:.0f} MB; show less (report.examples)", file=sys.stderr)
    return page


def digest(script: str) -> str:
    """What a browser compares a script with before it runs it."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def content(inputs: Inputs, tiles: RealTiles, display: Display, share: float = 1) -> dict[str, Any]:
    """Collect the values of the template but for scenes; pictures take ``share`` of ``PICTURES``."""
    groups, statistics, found = inputs.groups(), inputs.statistics, inputs.tables
    rejected = [e for e in inputs.entries if not e.accepted]
    thumbnails = Thumbnails(display, side(*_numbers(inputs), share * PICTURES))
    curves = gather.curves(inputs.metrics, inputs.dataset)
    strip = gather.strip(inputs.runs, inputs.tiles, min(inputs.examples, STRIP))
    return {
        "inputs": inputs,
        "statistics": statistics,
        "version": landloom.__version__,
        "accepted": len(inputs.entries) - len(rejected),
        "rejected": len(rejected),
        "range": None if display.range == WHOLE else display.range,
        "glance": tables.glance(found["summary"]) if "summary" in found else tables.MISSING,
        "sheets": [_sheet(*key, items, inputs, tiles, thumbnails) for key, items in groups.items()],
        "curation": tables.curation(
            {g: [e.quality for e in inputs.entries if e.generator == g] for g in inputs.generators}
        ),
        "refused": _refused(rejected, inputs, thumbnails),
        "captions": captions.section(inputs.captions, inputs.tiles, inputs.captions_shown, thumbnails),
        "proportions": [(g, _proportions(inputs, g)) for g in inputs.generators],
        "labels": labels.section(inputs.entries, inputs.generators, statistics, thumbnails),
        "ablation": labels.ablation(found["label_ablation"], statistics.names)
        if "label_ablation" in found
        else None,
        "shapes": [labels.shapes(found[n]) for n in ("label_shapes", "label_ablation_shapes") if n in found],
        "label_ratios": tables.label_ratios(found["label_ratios"], statistics.names)
        if "label_ratios" in found
        else None,
        "image_quality": tables.image_quality(found["image_quality"]) if "image_quality" in found else None,
        "segmentation": _segmentation(found.get("summary"), found.get("gain"), statistics.names),
        "detection": tables.detection(found["detection"]) if "detection" in found else [],
        "evidence": None if inputs.evidence is None else _evidence(inputs.evidence),
        "alone": gather.alone(inputs.runs),
        "strip": None if strip is None else _strip(strip, thumbnails),
        "losses": figures.losses(curves) if curves else None,
    }


def _numbers(inputs: Inputs) -> tuple[int, int]:
    """How many photos and how many masks the page may show."""
    rows = len(inputs.groups()) * inputs.examples
    masks = 2 * rows + len(inputs.generators) * 2 * labels.SHOWN + STRIP * (gather.MOST + 1)
    return 3 * rows + inputs.captions_shown + 2 * inputs.examples + STRIP, masks + inputs.examples


def _sheet(
    generator: str, mix: str, items: list[Entry], inputs: Inputs, tiles: RealTiles, thumbnails: Thumbnails
) -> dict[str, Any]:
    """Fill one contact sheet: some samples of one generator and mix."""
    rows = gather.rows(gather.pick(items, inputs.examples), tiles)
    return {
        "generator": generator,
        "mix": mix,
        "total": len(items),
        "rows": [_row(r, inputs.statistics, thumbnails) for r in rows],
    }


def _row(row: Row, statistics: Statistics, thumbnails: Thumbnails) -> dict[str, Any]:
    target = row.entry.target or [float("nan")] * len(statistics.classes)
    bars = [
        {"name": c.name, "color": c.color, "asked": None if np.isnan(t) else 100 * t, "got": 100 * r}
        for c, t, r in zip(statistics.classes, target, row.entry.ratios, strict=True)
    ]
    return {
        "id": row.entry.id,
        "mix": labels.mix(statistics.names, row.entry.ratios),
        "real_image": thumbnails.image(row.real) if row.real else None,
        "real_mask": thumbnails.mask(row.real.mask_array()) if row.real else None,
        "bars": bars,
        "mask": thumbnails.mask(row.made.mask_array()),
        "image": thumbnails.image(row.made),
        "trust": thumbnails.trust(row.made),
        "caption": row.made.caption or "",
    }


def _refused(rejected: list[Entry], inputs: Inputs, thumbnails: Thumbnails) -> list[dict[str, Any]]:
    """Show a few rejected samples with the reason, copies first and beside the tile they copy."""
    copies = [e for e in rejected if e.quality and COPY in e.quality.reasons]
    chosen = gather.pick(copies, inputs.examples)
    chosen += gather.pick([e for e in rejected if e not in copies], inputs.examples - len(chosen))
    loaded = gather.load((e.path, e.id) for e in chosen)
    origins = {_nearest(e) for e in chosen if e in copies} - {""}
    tiles = {k[1]: s for k, s in gather.load((p, n) for p in inputs.tiles for n in origins).items()}
    return [
        {
            "id": e.id,
            "reason": e.reason,
            "image": thumbnails.image(loaded[e.path, e.id]) if loaded[e.path, e.id].image else None,
            "mask": thumbnails.mask(loaded[e.path, e.id].mask_array()),
            "origin": _origin(tiles.get(_nearest(e)), thumbnails) if e in copies else None,
        }
        for e in chosen
    ]


def _nearest(entry: Entry) -> str:
    return (entry.quality and entry.quality.nearest) or ""


def _origin(tile: Sample | None, thumbnails: Thumbnails) -> Picture | None:
    return thumbnails.image(tile) if tile else None


def _proportions(inputs: Inputs, generator: str) -> figures.Chart:
    """Chart real, asked and generated class shares of a generator."""
    made = [e for e in inputs.entries if e.generator == generator]
    series: dict[str, Sequence[float]] = {"real (train)": inputs.statistics.prior}
    if asked := [e.target for e in made if e.target]:
        series["asked for"] = _mean(asked)
    if got := [e.ratios for e in made if e.accepted]:
        series["generated"] = _mean(got)
    return figures.proportions(inputs.statistics.names, series)


def _mean(rows: Sequence[Sequence[float]]) -> list[float]:
    """Mean share per class; classes that were left free (NaN) are not counted."""
    values = np.array(rows, np.float64)
    known = (~np.isnan(values)).sum(0)
    return [float(s) for s in np.nansum(values, 0) / np.maximum(known, 1)]


def _segmentation(
    summary: pd.DataFrame | None, gain: pd.DataFrame | None, names: Sequence[str]
) -> list[tuple[tables.Table, figures.Chart]]:
    if summary is None or gain is None:
        return []
    return [(t, figures.scores(summary, t.title, names)) for t in tables.segmentation(summary, gain, names)]


def _evidence(table: pd.DataFrame) -> tuple[tables.Table, figures.Chart]:
    height = evidence_picture.size(table)[1]
    words = "Line chart: gain in mean IoU at each share of labels, a line for each generator"
    return tables.evidence(table), figures.chart(lambda f: evidence_picture.draw(f, table), height, words)


def _strip(strip: Strip, thumbnails: Thumbnails) -> dict[str, Any]:
    """Show test tiles with their truth and the predictions of several trainings."""
    rows = []
    for tile in strip.tiles:
        predictions = [thumbnails.mask(codec.decode(p[tile.id])[0]) for p in strip.predictions]
        rows.append([thumbnails.image(tile), thumbnails.mask(tile.mask_array()), *predictions])
    return {"labels": ["image", "truth", *strip.labels], "rows": rows}
