"""Whether lists of files fit into the commands of jobs, asked before any job starts."""

import math
from typing import TYPE_CHECKING

from landloom.errors import InputError

if TYPE_CHECKING:
    from landloom.dag import Dag

COMMAND = 120_000
"""Characters of all files of one command; Linux takes 131,072, of which settings and options need some."""
LONGEST = 35_000
"""Characters of one list of tiles; the report's command has three lists of this length."""


def require_short(dag: "Dag") -> None:
    """Raise InputError when lists of files would not fit into a job's command.

    Raises:
        InputError: says how many scenes a shard should hold, or how many shards a plan may have.
    """
    _parts(dag)
    _plans(dag)


def _parts(dag: "Dag") -> None:
    shards = sum(len(f"results/{dag.config.dataset}/tiles/{p}.parquet ") for p in dag.parts)
    if shards > LONGEST:
        more = math.ceil(dag.config.tile.scenes_per_shard * shards / LONGEST)
        found = f"{len(dag.parts)} shards of tiles make commands longer than the system takes"
        raise InputError("tile.scenes_per_shard", found, f"Set it to {more} or more")
    for scenes in dag.parts.values():
        files = [p for s in scenes for p in (*dag.scenes[s].images, dag.scenes[s].mask, s)]
        if sum(len(str(p)) + 3 for p in files) > COMMAND // 2:  # names may need quotes
            found = f"the files of {len(scenes)} scenes make a command longer than the system takes"
            raise InputError("tile.scenes_per_shard", found, "Set it to half of this")


def _plans(dag: "Dag") -> None:
    for field, samples, others in _lists(dag):
        length, rest = (sum(len(p) + 1 for p in found) for found in (samples, others))
        if length + rest <= COMMAND:
            continue
        if rest >= COMMAND - len(samples):
            found = "tiles and trainings alone make commands longer than the system takes"
            remedy = "Raise it, or train fewer mixes, networks or seeds"
            raise InputError("tile.scenes_per_shard", found, remedy)
        names = dag.generators if field == "plan.shards" else list(dag.config.variants)
        most = max(dag.config.plan_of(n).shards for n in names)
        found = f"{most} shards of samples make commands longer than the system takes"
        fit = max(1, math.floor(most * (COMMAND - rest) / length))
        raise InputError(field, found, f"Set it to {fit} or less")


def _lists(dag: "Dag") -> list[tuple[str, list[str], list[str]]]:
    """Of the longest commands: the setting of their shards of samples, these, and their other files."""
    root = f"results/{dag.config.dataset}"
    tiles, captions = ([f"{root}/{k}/{p}.parquet" for p in dag.parts] for k in ("tiles", "captions"))
    curated, both = dag.all_shards("curated"), [*tiles, *dag.plans(), *dag.runs()]
    return [
        ("plan.shards", curated + dag.all_shards("twins"), both),  # evaluate
        ("plan.shards", curated, both + captions * 2 + dag.training_metrics()),  # report
        ("label_table.plan.shards", dag.table_masks(), tiles),
    ]
