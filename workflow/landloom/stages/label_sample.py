"""Masks for the planned class mixes of one shard."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from landloom.config.label_sample import LabelSampleConfig, LayoutConfig
from landloom.data import dates, samples
from landloom.data.batches import Fitting, batches
from landloom.data.map_layer import MAP
from landloom.data.quality import judged
from landloom.data.samples import Requested, Sample, class_ratios
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.planning.metadata import Wishes
from landloom.planning.nearest import nearest
from landloom.raster import codec
from landloom.raster.labels import IGNORE
from landloom.raster.regions import without_small
from landloom.ratio_control.choice import Draw, Drawn, Request, best_of, error, padded, rejection
from landloom.ratio_control.repair import repair
from landloom.runtime import progress
from landloom.runtime.command_line import In, Ins, Out
from landloom.runtime.importing import importing

VERSION = 11


def run(
    config: LabelSampleConfig, generator: str, shard: int, statistics: In, plan: In, tiles: Ins, out: Out,
    model: In | None = None, base: In | None = None, judge: In | None = None,
) -> None:  # fmt: skip
    """Write one mask per request, by a model or from real ones, predicted or edited; or a layout of objects.

    Raises:
        InputError: masks shall be predicted, but no tile is unlabelled or the judge is sure of no pixel; or
            objects shall be placed, but no train tile holds any.
    """
    config, dataset = config.read(), Statistics.load(statistics)
    table = pd.read_parquet(plan)
    requests, wishes = table[table["shard"] == shard], Wishes.of(config.metadata, tiles)
    if config.source == "real":
        made = from_real(requests, tiles, generator, wishes)
    elif config.source == "layout":
        made = from_layouts(config.layout, requests, tiles, generator, dataset, wishes)
    elif config.source == "predicted":
        assert judge is not None
        made = from_predicted(config, requests, tiles, generator, dataset, judge, wishes)
    else:
        draw = cut(config, dataset, tiles) if config.source != "model" else None
        if draw is None:
            assert model is not None
            draw = padded(fitted(load(config, dataset, model, base)), config.batch)
        made = drawn_masks(config, requests, draw, generator, wishes)
    about = {"repainted": True} if config.source == "repaint" else {}
    samples.write(out, made, {"generator": generator, "classes": dataset.names} | about)


def load(config: LabelSampleConfig, dataset: Statistics, model: Path, base: Path | None) -> Draw:
    """What draws masks with a trained folder, by what lies in it.

    Raises:
        InputError: a LoRA came without its base.
    """
    # Each back-end is imported when it is chosen; real masks need none, nor torch.
    if (model / "config.json").exists():
        with importing():
            from landloom.mask_diffusion.masks import CategoricalMasks
        return CategoricalMasks(model, config)
    if base is None:
        raise InputError("base", "a LoRA needs the model it adapts", "Give --base")
    with importing():
        from landloom.diffusion.masks import LoraMasks
    return LoraMasks(base, model, dataset, config)


def cut(config: LabelSampleConfig, dataset: Statistics, tiles: Sequence[Path]) -> Draw:
    """What puts masks together from real ones, or edits them."""
    with importing():
        from landloom.copy_paste.masks import CutMasks
        from landloom.copy_paste.repainting import RepaintedMasks
    if config.source == "repaint":
        return RepaintedMasks(dataset, tiles, config.repaint)
    return CutMasks(dataset, tiles, config.source, config.looks == "any")


def drawn_masks(
    config: LabelSampleConfig, table: pd.DataFrame, draw: Draw, generator: str, wishes: Wishes
) -> Iterator[Sample]:
    """Draw masks, and pull the levers that are switched on."""
    parts, draw = batches(len(table), config.batch), smoothed(draw, config.smooth)
    for part in progress.shown(parts, f"masks of {generator}", len(table), config.batch):
        rows = table.iloc[part].to_dict("records")
        asked = [replace(request(r), meta=wishes.drawn(r)) for r in rows]
        found = best_of(asked, draw, config.control.tries, config.control.tolerance)
        for row, wanted, drawn in zip(rows, asked, found, strict=True):
            made, over = named(sample(config, row, wanted, drawn), generator), drawn.over
            if over is not None:
                meta = wishes.drawn(row, over.meta)
                made = replace(made, crs=over.crs, transform=over.transform, meta=meta)
            yield made


def sample(config: LabelSampleConfig, row: Mapping[Hashable, Any], wanted: Request, drawn: Drawn) -> Sample:
    """The sample of a mask that was drawn, repaired if that is asked for."""
    mask, asked_for = drawn.mask, Requested(row["mix"], drawn.attempt)
    if config.control.repair:
        mask, asked_for.repaired = repair(mask, drawn.cost, wanted.target)
    reasons = rejection(error(mask, wanted.target), config.control.reject_above)
    if drawn.gaps is not None:
        mask = np.where(drawn.gaps, np.uint8(IGNORE), mask)
    scores = {"residual": drawn.residual, "one_tile": max(drawn.parts.values(), default=None)}
    ratios = class_ratios(mask, len(wanted.target))
    return Sample(
        id=row["id"], mask=codec.encode(mask), image=drawn.image, ratios=ratios, caption=row["caption"],
        seed=row["seed"], target_ratios=[float(x) for x in wanted.target], parents=list(drawn.parts),
        request=asked_for, quality=judged(None, scores, reasons), meta=wanted.meta,
        layers=list(drawn.layers),
    )  # fmt: skip


def named(made: Sample, generator: str) -> Sample:
    """A sample that bears its generator's name."""
    return replace(made, id=f"{generator}_{made.id}", scene=generator, source=generator)


def request(row: Mapping[Hashable, Any]) -> Request:
    """The request in a row of the plan."""
    target = np.array(row["target_ratios"], np.float64)
    return Request(target, np.array(row["expected_ratios"], np.float64), row["prompt"], row["seed"])


def fitted(draw: Draw) -> Draw:
    """The same, in parts where the GPU has no room for all at once."""
    fitting = Fitting()
    return lambda requests, attempt: fitting(lambda part: draw(requests[part], attempt), len(requests))


def smoothed(draw: Draw, pixels: int) -> Draw:
    """The same, with regions below ``pixels`` given to their neighbours; 0 changes nothing."""

    def drawn(requests: Sequence[Request], attempt: int) -> list[Drawn]:
        found = draw(requests, attempt)
        return [replace(d, mask=without_small(d.mask, pixels)) for d in found]

    return drawn


def from_real(
    requests: pd.DataFrame, tiles: Sequence[Path], generator: str, wishes: Wishes
) -> Iterator[Sample]:
    """The real train tile whose class mix is nearest to each request."""
    train, ratios = samples.rows(tiles, "train"), samples.columns(tiles, ["ratios"])["ratios"]
    rows = requests.to_dict("records")
    chosen = nearest(rows, train, [ratios[i] for i in train])
    real = dict(zip(sorted(set(chosen)), samples.pick(tiles, chosen), strict=True))
    return taken(rows, [real[i] for i in chosen], generator, wishes)


def from_predicted(
    config: LabelSampleConfig, requests: pd.DataFrame, tiles: Sequence[Path], generator: str,
    dataset: Statistics, judge: Path, wishes: Wishes,
) -> Iterator[Sample]:  # fmt: skip
    """The unlabelled tile whose predicted class mix is nearest to each request."""
    with importing():
        from landloom.segmentation import networks
        from landloom.segmentation.pseudo_labels import guesses
    masks = guesses(config.predicted, networks.load(judge / "model"), dataset, tiles)
    rows = requests.to_dict("records")
    chosen = nearest(rows, list(masks), [m.ratios for m in masks.values()])
    shown = zip(sorted(set(chosen)), samples.pick(tiles, chosen), strict=True)
    real = {i: replace(s, mask=masks[i].mask, ratios=masks[i].ratios) for i, s in shown}
    return taken(rows, [real[i] for i in chosen], generator, wishes)


def from_layouts(
    config: LayoutConfig, requests: pd.DataFrame, tiles: Sequence[Path], generator: str, dataset: Statistics,
    wishes: Wishes,
) -> Iterator[Sample]:  # fmt: skip
    """Objects that stand as those of real tiles do, for each request."""
    with importing():
        from landloom.detection.layout_samples import layouts, placed
    draw = layouts(config, dataset, samples.read(tiles, "train"))
    return placed(draw, requests.to_dict("records"), generator, dataset, wishes)


def taken(
    rows: Sequence[Mapping[Hashable, Any]], tiles: Sequence[Sample], generator: str, wishes: Wishes
) -> Iterator[Sample]:
    """Yield the tile of each request as a sample of the generator."""
    for row, found in zip(rows, tiles, strict=True):
        meta = wishes.drawn(row, found.meta)
        yield Sample(
            id=f"{generator}_{row['id']}", mask=found.mask, image=found.image, scene=generator,
            source=generator,
            crs=found.crs, transform=found.transform, ratios=found.ratios, caption=row["caption"],
            seed=row["seed"], target_ratios=[float(x) for x in row["target_ratios"]], parents=[found.id],
            request=Requested(row["mix"]), meta=meta, place=found.place,
            layers=[*dates.told(found, None if meta is None else meta.acquired), *found.layer(MAP)],
            objects=found.objects,
        )  # fmt: skip
