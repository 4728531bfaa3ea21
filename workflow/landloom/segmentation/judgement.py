"""What a network got right on real tiles, tile by tile."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from landloom.segmentation import scores

FILE = "confusions.parquet"


@dataclass
class Judgement:
    """What a model got right on the tiles of a split.

    Attributes:
        tiles: ids.
        scenes: scene of each tile.
        confusions: of each tile (K, K), in pixels that no earlier tile holds.
        loss: sum over the pixels of each class (K,).
    """

    tiles: list[str]
    scenes: list[str]
    confusions: list[NDArray[np.int64]]
    loss: NDArray[np.float64]

    def summary(self) -> dict[str, Any]:
        """Scores and mean loss over all tiles."""
        classes = len(self.loss)
        matrix = np.sum([np.zeros((classes, classes), np.int64), *self.confusions], axis=0)
        return scores.summary(matrix) | {"loss": scores.per_pixel(matrix, self.loss)}

    def write(self, folder: Path) -> None:
        """Write the confusions, one row a tile, into a run's folder: intervals are drawn from them."""
        flat = [c.ravel().tolist() for c in self.confusions]
        columns = {"id": self.tiles, "scene": self.scenes, "confusion": flat}
        schema = pa.schema([("id", pa.string()), ("scene", pa.string()), ("confusion", pa.list_(pa.int64()))])
        pq.write_table(pa.table(columns, schema=schema), folder / FILE)


def confusions(run: Path) -> tuple[NDArray[np.int64], list[str]]:
    """Confusions (N, K, K) of the test tiles of a run, and the scene of each."""
    table = pq.read_table(run / FILE)
    flat = np.array(table["confusion"].to_pylist(), np.int64)
    side = round(flat.shape[1] ** 0.5) if flat.size else 0
    return flat.reshape(len(flat), side, side), table["scene"].to_pylist()
