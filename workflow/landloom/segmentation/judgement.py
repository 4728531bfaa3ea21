"""What a network got right on real tiles, tile by tile."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from landloom.data import stored_tables
from landloom.segmentation import scores
from landloom.segmentation.curation import class_losses
from landloom.segmentation.overlaps import Overlaps
from landloom.segmentation.predict import Found

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

    @classmethod
    def of(cls, found: Found, classes: int) -> Self:
        """Judge tiles with their probabilities (K, H, W); pixels that tiles share count once."""
        result, overlaps = cls([], [], [], np.zeros(classes)), Overlaps()
        for sample, probabilities in found:
            mask = overlaps.uncounted(sample)
            predicted = probabilities.argmax(0).astype(np.uint8)
            result.tiles.append(sample.id)
            result.scenes.append(sample.scene)
            result.confusions.append(scores.confusion(mask, predicted, classes))
            result.loss += class_losses(probabilities, mask, classes)
        return result

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
    table = stored_tables.read(run / FILE)
    flat = np.array(table["confusion"].to_pylist(), np.int64)
    side = round(flat.shape[1] ** 0.5) if flat.size else 0
    return flat.reshape(len(flat), side, side), table["scene"].to_pylist()
