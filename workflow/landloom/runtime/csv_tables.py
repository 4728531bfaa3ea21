"""CSV tables that spreadsheets may open: no cell of text begins like a formula.

Names of classes and of scenes are the user's own, or come with data of others. A spreadsheet computes what
begins with one of ``SIGNS``, so such texts get an apostrophe in front, which it does not show. Numbers stay
numbers. ``plain`` takes the apostrophe away again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SIGNS = ("=", "+", "-", "@", "\t", "\r")
APOSTROPHE = "'"


def write(table: "pd.DataFrame", path: Path) -> None:
    """Write a table without its index."""
    texts = table.select_dtypes(exclude="number").columns
    safe = table.assign(**{str(c): table[c].map(cell) for c in texts})
    safe.rename(columns=cell).to_csv(path, index=False)


def row(values: Mapping[str, Any]) -> dict[str, Any]:
    """A row for ``csv.DictWriter``."""
    return {cell(k): cell(v) for k, v in values.items()}


def cell(value: Any) -> Any:
    """A value as a cell holds it; what already begins with an apostrophe and a sign gets another one."""
    text = isinstance(value, str) and value.lstrip(APOSTROPHE).startswith(SIGNS)
    return APOSTROPHE + value if text else value


def plain(value: Any) -> Any:
    """The value that a cell holds."""
    text = isinstance(value, str) and value.startswith(APOSTROPHE)
    return value[1:] if text and value.lstrip(APOSTROPHE).startswith(SIGNS) else value
