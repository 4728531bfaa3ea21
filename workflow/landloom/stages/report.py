"""``report``: the page that shows what came out, and a contact sheet."""

from itertools import chain, zip_longest

from landloom.config.report import ReportConfig
from landloom.data.statistics import Statistics
from landloom.reporting import gather, page
from landloom.reporting.captions import read as captions_of
from landloom.reporting.display import Display
from landloom.reporting.gather import Entry, RealTiles
from landloom.reporting.scene_views import SceneFiles
from landloom.reporting.sheet import write as write_sheet
from landloom.reporting.tables import read as read_tables
from landloom.reporting.tables import read_one
from landloom.runtime.command_line import In, Ins, Out

VERSION = 11


def run(
    config: ReportConfig,
    dataset: str,
    command: str,
    statistics: In,
    tiles: Ins,
    captions: Ins,
    summaries: Ins,
    curated: Ins,
    metrics: Ins,
    runs: Ins,
    tables: Ins,
    evidence: Ins,
    source: list[str],
    scenes: Ins,
    scene_masks: Ins,
    out: Out,
    sheet: Out,
) -> None:
    """Write ``out/index.html``, which needs no other file, and a contact sheet for a README.

    Args:
        config: title and number of examples.
        dataset: name of the dataset.
        command: the command that made the results.
        statistics: the dataset statistics.
        tiles: shards of real tiles.
        captions: captions of each scene.
        summaries: what the caption stage says about them.
        curated: curated shards of all generators.
        metrics: metrics.jsonl of each training.
        runs: folders of segmentation trainings, <generator>/<ratio>/<network>/<seed>.
        tables: the evaluation tables.
        evidence: the table of all shares of labels; none where it is not shown.
        source: what makes each class in the user's masks, such as their values, in words.
        scenes: images of whole scenes that were made.
        scene_masks: the mask of each.
        out: folder of the page.
        sheet: the contact sheet (PNG).

    """
    known = Statistics.load(statistics)
    inputs = page.Inputs(
        dataset=dataset,
        command=command,
        title=config.title or f"{dataset}: what the generators made",
        examples=config.examples,
        statistics=known,
        source=source,
        tiles=tiles,
        captions=captions_of(captions, summaries),
        captions_shown=config.captions,
        entries=gather.entries(curated),
        metrics=metrics,
        runs=runs,
        tables=read_tables(tables),
        evidence=read_one(evidence[0]) if evidence else None,
        scenes=[SceneFiles(*files) for files in zip(scenes, scene_masks, strict=True)],
    )
    real, display = RealTiles(tiles), Display.of(known, tiles)
    out.mkdir(parents=True)
    (out / "index.html").write_text(page.render(inputs, real, display))
    write_sheet(sheet, gather.rows(_shown(inputs), real), display)


def _shown(inputs: page.Inputs) -> list[Entry]:
    """Choose samples for the contact sheet, taking turns between generators and mixes."""
    drawn = [gather.pick(items, inputs.examples) for items in inputs.groups().values()]
    turns = chain.from_iterable(zip_longest(*drawn))
    return [e for e in turns if e is not None][: inputs.examples]
