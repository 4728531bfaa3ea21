"""Targets of each goal: rows of class shares (N, K), NaN where a class is left open."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from landloom.config.plan import MixGoal, check_complete, check_pixels, check_row
from landloom.data.stored_tables import require_bounded
from landloom.errors import InputError
from landloom.runtime.reading import reading

Shares = NDArray[np.float64]

TOLERANCE = 0.005
"""Share by which a class may miss the mix of 'deficit' without a warning."""


def targets(
    goal: MixGoal, count: int, real: Shares, total: Shares, names: list[str], size: int,
    rng: np.random.Generator,
) -> Shares:  # fmt: skip
    """Targets (count, K) of one group of requests; each complete row sums to one.

    Args:
        goal: the goal.
        count: number of requests.
        real: shares (N, K) of the tiles to start from.
        total: sum of shares (K,) of all train tiles, for 'deficit'.
        names: class names.
        size: side of a tile in pixels.
        rng: draws tiles.
    """
    if goal.goal == "table":
        rows = table(goal, names, size)
        return np.resize(rows, (count, len(names)))
    pool = holding(goal.boost, real, names)
    drawn = pool[rng.integers(0, len(pool), count)]
    if goal.goal == "boost":
        return normalised(drawn * [goal.boost.get(n, 1.0) for n in names])
    if goal.goal == "balance":
        return raised(drawn, np.array([goal.floor.get(n, 0.0) for n in names]))
    if goal.goal == "deficit":
        return bent(drawn, lacking(np.array([goal.mix.get(n, 0.0) for n in names]), total, count))
    return normalised(drawn)


def holding(boost: dict[str, float], real: Shares, names: list[str]) -> Shares:
    """Tiles that hold a boosted class, so that there is something to multiply; all tiles without a boost.

    Raises:
        InputError: no tile holds any of them.
    """
    if not boost:
        return real
    pool = real[(real[:, [n in boost for n in names]] > 0).any(1)]
    if not len(pool):
        raise InputError("plan.mixes", f"no train tile holds {', '.join(boost)}", "Boost classes that exist")
    return pool


def normalised(shares: Shares) -> Shares:
    """Rows with a sum of one."""
    return np.asarray(shares / shares.sum(1, keepdims=True))


def raised(shares: Shares, floor: Shares) -> Shares:
    """Rows in which no class is below its floor; the others give way in proportion to what they have.

    Giving way may bring another class to its floor, so this is done once per class.
    """
    found = normalised(shares)
    pinned = np.zeros_like(found, bool)
    for _ in floor:
        pinned |= found < floor
        free = np.where(pinned, 0, found)
        room = 1 - np.where(pinned, floor, 0).sum(1, keepdims=True)
        scale = room / np.maximum(free.sum(1, keepdims=True), 1e-12)
        found = np.where(pinned, floor, free * scale)
    return normalised(found)


def lacking(mix: Shares, total: Shares, count: int) -> Shares:
    """Mean shares (K,) of ``count`` new tiles that bring all tiles nearest to ``mix``.

    Args:
        mix: shares (K,) that real and new tiles together shall have.
        total: sum of the shares of the real tiles (K,), so that its sum is their number.
        count: number of new tiles.
    """
    wanted = np.maximum(mix * (total.sum() + count) - total, 0)
    return np.asarray(wanted / wanted.sum())


def bent(shares: Shares, mean: Shares, rounds: int = 200) -> Shares:
    """Rows, each class multiplied by one factor, that sum to one and have the given mean over rows (K,).

    Iterative proportional fitting (Deming and Stephan 1940). First every row gets a trace, 1e-4, of
    each class that the mean holds and it does not: what is zero could not be multiplied.
    """
    found = normalised(np.maximum(shares, np.where(mean > 0, 1e-4, 0)))
    for _ in range(rounds):
        found = normalised(found * (mean / np.maximum(found.mean(0), 1e-12)))
    return found


def shortfall(goal: MixGoal, total: Shares, rows: Shares, names: list[str]) -> str | None:
    """What 'deficit' reaches in place of its mix, when a class is off by more than half a point.

    Args:
        goal: the goal.
        total: sum of the shares of the real tiles (K,).
        rows: shares (N, K) that are asked for.
        names: class names.
    """
    reached = (total + rows.sum(0)) / (total.sum() + len(rows))
    wanted = np.array([goal.mix.get(n, 0.0) for n in names])
    if np.abs(reached - wanted).max() <= TOLERANCE:
        return None
    return ", ".join(f"{n} {r:.3f} (asked {w:.3f})" for n, r, w in zip(names, reached, wanted, strict=True))


def table(goal: MixGoal, names: list[str], size: int) -> Shares:
    """Rows of a table given inline or as a file; NaN where a partial row leaves a class open."""
    rows = goal.table if goal.file is None else from_file(Path(goal.file), goal.partial, names, size)
    for i, row in enumerate(rows, 1):
        try:
            check_complete(row, names)
        except ValueError as error:
            where = "plan.mixes.*.table" if goal.file is None else goal.file
            raise InputError(f"{where}, row {i}", str(error), "Correct it, or leave a class out") from None
    left_out = np.nan if goal.partial else 0.0
    found = np.array([[row.get(n, left_out) for n in names] for row in rows], np.float64)
    complete = ~np.isnan(found).any(1)
    found[complete] = normalised(found[complete])
    return found


def read(path: Path) -> pd.DataFrame:
    """Read a table.

    Raises:
        InputError: the file is empty, damaged or of another format.
    """
    kind = "Parquet" if path.suffix == ".parquet" else "CSV"
    remedy = "Give a table with one column a class and one row a class mix"
    with reading(path, f"it cannot be read as {kind}", remedy):
        if kind == "CSV":
            return pd.read_csv(path)
        with pq.ParquetFile(path) as file:
            require_bounded(file, path)
        return pd.read_parquet(path)


def number(path: Path, row: int, column: str, value: Any) -> float:
    """A cell as a number.

    Raises:
        InputError: it is none.
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        where, found = f"{path}, row {row}, column {column}", f"'{value}' is not a number"
        raise InputError(where, found, "Write shares as 0.3, and leave cells of open classes empty") from None


def from_file(path: Path, partial: bool, names: list[str], size: int) -> list[dict[str, float]]:
    """Rows of a CSV or Parquet file; an empty cell is a class that the row leaves out.

    Raises:
        InputError: there is no such file, it cannot be read, it names an unknown class, a cell is no number,
            or a row is not possible.
    """
    if not path.is_file():
        raise InputError(path, "there is no such file", "Correct plan.mixes.*.file")
    frame = read(path)
    if wrong := sorted(set(frame.columns) - set(names)):
        raise InputError(path, f"no class is called {', '.join(wrong)}", f"Use {', '.join(names)}")
    rows: list[dict[str, float]] = []
    for i, cells in enumerate(frame.to_dict("records"), 1):
        row = {str(k): number(path, i, str(k), v) for k, v in cells.items() if not pd.isna(v)}
        try:
            check_row(row, partial)
            check_pixels(row, size)
        except ValueError as error:
            raise InputError(f"{path}, row {i}", str(error), "Correct the row") from None
        rows.append(row)
    if not rows:
        raise InputError(path, "it holds no rows", "Give one row per class mix")
    return rows
