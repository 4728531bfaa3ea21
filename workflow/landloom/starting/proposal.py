"""A whole config, written with its reasons."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from landloom.config import Config, load
from landloom.starting import machine, sizes, sources, splitting
from landloom.starting.sources import quoted
from landloom.starting.splitting import Chosen
from landloom.starting.survey import Findings

SHARDED = 16
"""Scenes beyond which several share a job."""
BOOSTED = 0.1
"""Share of pixels below which a class is rare."""

REST = """\
plan:
  count: {count} # ratio {ratio:g} of {train} train tiles takes {taken} accepted pairs; some are rejected
  mixes:
    real: {{goal: match, share: 1}}
{rare}
generators:
  landloom: {{}}
  oversampling: # real tiles again, to compare with
    label_sample: {{source: real}}
    image_sample: {{source: real}}

mix: {{ratios: [{ratio:g}]}}
"""


@dataclass(frozen=True)
class Proposal:
    """A config for a folder.

    Attributes:
        text: of the config.
        config: the same, checked.
        table: of its scenes, '' if it needs none.
        said: what was assumed, a line each.
    """

    text: str
    config: Config
    table: str
    said: list[str]


def write(found: Findings, name: str, gpu: bool, table: Path) -> Proposal:
    """Make the config of a dataset; ``table`` is where a table of its files would lie.

    Raises:
        InputError: no split leaves something in train, val and test.
    """
    cut = sizes.tiles([(h.height, h.width) for h in found.images], gpu)
    chosen = splitting.choose(found, cut, table)
    train = chosen.windows["train"]
    ratio, count = sizes.mix(train, gpu)
    text = "\n".join(
        [
            *_head(found, name),
            *(f"  {line}" for line in _data(found, chosen)),
            "",
            _tile(cut, len(found.items)),
            "",
            machine.trainings(gpu, cut.size),
            REST.format(count=count, ratio=ratio, train=train, taken=round(ratio * train), rare=_rare(found)),
            machine.segment(gpu),
        ]
    )
    rows = chosen.source.rows
    said = [
        *found.said,
        chosen.said,
        f"tiles of {cut.size} pixels, train tiles every {cut.stride}: {train} for train, "
        f"{chosen.windows['val']} for val, {chosen.windows['test']} for test",
        f"trainings for {'a GPU' if gpu else 'CPU cores'}; {count} pairs are planned, for a mix of {ratio:g}",
    ]
    return Proposal(text, load(yaml.safe_load(text)), sources.text(rows) if rows else "", said)


def _head(found: Findings, name: str) -> Iterator[str]:
    yield "# A proposal of `landloom init`, to be read and changed. config/README.md explains every key."
    yield f"dataset: {quoted(name)}"
    yield "seed: 0"
    yield ""
    yield "data:"


def _data(found: Findings, chosen: Chosen) -> Iterator[str]:
    """Lines of the section ``data``."""
    yield from chosen.source.lines
    for key, value in found.labels.items():
        yield f"{key}: {json.dumps(value, ensure_ascii=False)}"
    yield f"# {_place(found)}"
    if found.bands is not None:
        yield f"bands: {found.bands}"
    yield "classes: # share of the counted mask pixels behind each"
    legend = found.legend
    for spec, share in legend.classes():
        keys = ", ".join(f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in spec.items())
        yield f"  - {{{keys}}} # {100 * share:.3g} %"
    if legend.ignore:
        values = ", ".join(quoted(v) if isinstance(v, str) else str(v) for v in legend.ignore)
        yield f"ignore: [{values}]"
    if legend.tolerance:
        yield f"tolerance: {legend.tolerance:g} # masks were saved with loss"
    yield f"# {chosen.said}"
    yield chosen.line


def _place(found: Findings) -> str:
    """Bands, coordinate systems and ground sampling distances of the images."""
    first = found.images[0]
    systems = sorted({h.crs or "" for h in found.images})
    sides = [s for h in found.images for s in (h.height, h.width)]
    said = f"{len(first.dtypes)} bands of {first.dtypes[0]}, sides of {_span(sides)} pixels"
    shown = ", ".join((s if len(s) < 20 else "written out") if s else "none" for s in systems[:3])
    if sum(c != "alpha" for c in first.colors) > 3 or len(found.bands or ()) > 3:
        said += "; data.rgb says which bands make a picture"
    lengths = [h.gsd for h in found.images if h.gsd is not None]
    ground = f", {_span(lengths)} m a pixel" if lengths else ""
    return f"{said}; CRS {shown}{ground}"


def _span(numbers: Sequence[float]) -> str:
    least, most = f"{min(numbers):.4g}", f"{max(numbers):.4g}"
    return least if least == most else f"{least} to {most}"


def _tile(cut: sizes.Tiles, scenes: int) -> str:
    parts = [f"size: {cut.size}"]
    parts += [f"stride: {cut.stride}"] if cut.stride < cut.size else []
    parts += ["pad: true"] if cut.pad else []
    parts += ["min_valid: 0.9"]
    parts += ["scenes_per_shard: 100"] if scenes > SHARDED else []
    return f"tile: {{{', '.join(parts)}}}"


def _rare(found: Findings) -> str:
    """A goal that asks for more of the rarest classes."""
    legend = found.legend
    names = sorted(legend.names, key=legend.share)[:2]
    rare = [legend.names[v] for v in names if legend.share(v) < BOOSTED]
    if not rare or len(legend.names) < 3:
        return ""
    boost = ", ".join(f"{quoted(n)}: 2" for n in rare)
    return f"    rare: {{goal: boost, boost: {{{boost}}}, share: 1}}\n"
