"""The evidence: whether the pairs add to real tiles, and at which share of labels."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from landloom.config.evidence import EvidenceConfig
from landloom.errors import InputError
from landloom.metrics import evidence
from landloom.reporting import evidence_picture
from landloom.reporting.tables import read_one
from landloom.runtime import csv_tables
from landloom.runtime.command_line import Ins, Out

VERSION = 1


def run(config: EvidenceConfig, gains: Ins, summaries: Ins, gain: Out, picture: Out) -> None:
    """Write the gains of all shares of labels as one table, and a picture of those that val chose.

    Args:
        config: the shares.
        gains: evaluation/gain.csv of each share, in their order.
        summaries: evaluation/summary.csv of each share, in their order.
        gain: the table (CSV).
        picture: the picture (PNG).

    Raises:
        InputError: there is not one table for each share, or one of them holds no gain.
    """
    table = gathered(config.labelled, gains, summaries)
    csv_tables.write(table, gain)
    evidence_picture.write(picture, table)


def gathered(labelled: Sequence[float], gains: Sequence[Path], summaries: Sequence[Path]) -> pd.DataFrame:
    """The rows of all shares, the smallest first."""
    for option, given in (("gains", gains), ("summaries", summaries)):
        if len(given) != len(labelled):
            found = f"{len(given)} tables are given for {len(labelled)} shares"
            raise InputError(f"--{option}", found, "Give one for each of evidence.labelled, in its order")
    parts = []
    for share, made, scores in sorted(zip(labelled, gains, summaries, strict=True)):
        part = evidence.of_share(share, read_one(made), read_one(scores))
        if part.empty:
            remedy = "Gains need test tiles and a seed that both have; see data.split.test and segment.seeds"
            raise InputError(made, "holds no gain", remedy)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
