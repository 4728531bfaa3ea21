"""The ablation of mask generation: what each lever does to class shares, and to the look of masks."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from landloom.config.features import FeaturesConfig
from landloom.config.label_table import LabelTableConfig
from landloom.data import samples
from landloom.data.batches import spread
from landloom.data.cells import reduced
from landloom.data.statistics import Statistics
from landloom.data.stored_masks import StoredMasks
from landloom.errors import InputError
from landloom.metrics import extractors, tables, validity
from landloom.metrics.cost import read_record
from landloom.metrics.validity import Mask
from landloom.reporting import ablation
from landloom.runtime import csv_tables
from landloom.runtime.command_line import In, Ins, Out

VERSION = 4


def run(
    config: LabelTableConfig, features: FeaturesConfig, statistics: In, tiles: Ins,
    masks: Ins, ratios: Out, shapes: Out, picture: Out,
) -> None:  # fmt: skip
    """Write the tables of class shares and of shapes, and a picture; ``masks`` are all variants' shards."""
    dataset = Statistics.load(statistics)
    groups = by_variant(masks)
    first = next(iter(config.plan.mixes))
    rows = [shares(name, paths, dataset, first) for name, paths in groups.items()]
    table = pd.concat(rows, ignore_index=True)
    csv_tables.write(table, ratios)
    chosen = {name: of_mix(paths, first) for name, paths in groups.items()}
    looks = compare(config, features, dataset, tiles, groups, chosen)
    csv_tables.write(looks, shapes)
    shown = {"real": arrays(tiles, samples.rows(tiles, config.split)[: ablation.COLUMNS])}
    shown |= {name: arrays(paths, chosen[name][: ablation.COLUMNS]) for name, paths in groups.items()}
    ablation.write(picture, table, shown, dataset)


def by_variant(masks: Sequence[Path]) -> dict[str, list[Path]]:
    """Shards by variant, in the order they are given."""
    groups: dict[str, list[Path]] = {}
    for path in masks:
        name = samples.metadata(path).get("generator")
        if name is None:
            raise InputError(path, "does not name its generator", "Run label_sample again")
        groups.setdefault(str(name).split("/")[-1], []).append(path)
    return groups


def shares(variant: str, paths: Sequence[Path], dataset: Statistics, first: str) -> pd.DataFrame:
    """CPE per class and mCPE for each mix of one variant; the first mix bears the variant's name alone."""
    found = samples.columns(paths, ["ratios", "target_ratios", "request"])
    mixes = [request.mix if request else first for request in found["request"]]
    seconds, device = effort(paths)
    rows = []
    for mix in dict.fromkeys(mixes):
        chosen = [i for i, m in enumerate(mixes) if m == mix]
        got, asked = ([found[c][i] for i in chosen] for c in ("ratios", "target_ratios"))
        part = tables.label_ratios("", got, asked, dataset.names).drop(columns="generator")
        part.insert(0, "variant", variant if mix == first else f"{variant} ({mix})")
        part["device"], part["seconds"] = device, round(seconds * len(chosen) / len(mixes), 1)
        rows.append(part)
    return pd.concat(rows)


def effort(paths: Sequence[Path]) -> tuple[float, str | None]:
    """Seconds that sampling took, loading included, and on what: from the records beside the shards.

    NaN and None when one of them is missing.
    """
    records = [r for p in paths if (r := read_record(p)) is not None]
    if len(records) < len(paths):
        return float("nan"), None
    return sum(float(r["seconds"]) for r in records), str(records[0]["device"])


def of_mix(paths: Sequence[Path], mix: str) -> list[int]:
    """Rows of one mix."""
    requests = samples.columns(paths, ["request"])["request"]
    return [i for i in samples.rows(paths, "train") if requests[i] and requests[i].mix == mix]


def arrays(paths: Sequence[Path], rows: Sequence[int]) -> list[Mask]:
    """Masks in some rows."""
    return [s.mask_array() for s in samples.pick(paths, rows)]


def compare(
    config: LabelTableConfig, features: FeaturesConfig, dataset: Statistics,
    tiles: Sequence[Path],    groups: dict[str, list[Path]], chosen: dict[str, list[int]],
) -> pd.DataFrame:  # fmt: skip
    """Shapes of each variant's chosen masks, and of as many real ones, against held-out real masks."""
    train = [reduced(s.mask_array()) for s in samples.read(tiles, split="train")]
    real = StoredMasks(tiles, samples.rows(tiles, config.split))
    alike = spread(samples.rows(tiles, "train"), max(map(len, chosen.values())))
    extractor = extractors.load(features.extractor, features.weights)
    measure = validity.Validity(dataset, extractor, real, train, features.batch)
    rows = measure.real_rows(StoredMasks(tiles, alike))
    for name, paths in groups.items():
        rows.append(measure.row(name, StoredMasks(paths, chosen[name]), known=False))
    return pd.DataFrame(rows)
