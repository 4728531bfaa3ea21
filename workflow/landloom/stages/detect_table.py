"""The table that tells what detectors find, and whether synthetic samples help them."""

from landloom.config.detect_table import DetectTableConfig
from landloom.data.statistics import Statistics
from landloom.detection import table
from landloom.runtime import csv_tables
from landloom.runtime.command_line import In, Ins, Out
from landloom.runtime.reading import object_of

VERSION = 1


def run(config: DetectTableConfig, statistics: In, runs: Ins, out: Out) -> None:
    """Write the table as CSV; ``runs`` are the folders of all detectors.

    Raises:
        InputError: runs were scored on different objects.
    """
    names = [c.name for c in Statistics.load(statistics).objects or []]
    bodies = [object_of(r / "scores.json") for r in runs]
    csv_tables.write(table.table(runs, bodies, names, config.draws), out)
