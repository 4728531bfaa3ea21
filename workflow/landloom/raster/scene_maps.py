"""The map of each scene, as the config says where it is."""

from collections.abc import Sequence
from pathlib import Path

from rasterio.transform import Affine

from landloom.config.data import DataConfig
from landloom.config.map import SCENE
from landloom.errors import InputError
from landloom.raster import map_drawing, map_legend
from landloom.raster.map_drawing import MapDrawing
from landloom.raster.reader import SceneReader
from landloom.scenes import maps


class Drawings:
    """Draws the maps of scenes.

    Args:
        data: where maps are.
        given: the files that may be read.
        legend: of the maps, or None where there are none.

    Attributes:
        classes: names of the classes that are drawn; none where maps are off.

    Raises:
        InputError: the legend is wrong.
    """

    def __init__(self, data: DataConfig, given: Sequence[Path], legend: Path | None) -> None:
        self.config, self.given = data.map, set(given)
        self.legend = None if legend is None or data.map is None else map_legend.read(legend)
        self.classes = () if self.legend is None else self.legend.classes

    def of(self, reader: SceneReader, size: int, scale: int = 1) -> MapDrawing | None:
        """The map of an open scene, and of the tiles of ``size`` that reach out of it; None if it has none.

        A pixel of a tile spans ``scale`` of the scene.

        Raises:
            InputError: the scene has no place on the Earth, or the map cannot be read.
        """
        path = None if self.config is None else maps.source(self.config, reader.scene.name)
        if self.config is None or self.legend is None or path not in self.given:
            return None
        if reader.crs is None or reader.transform is None:
            raise placeless(reader.scene.name)
        height, width = (max(-(-n // scale), size) for n in (reader.height, reader.width))
        grid = reader.transform @ Affine.scale(scale), height, width
        whole = SCENE in self.config.source
        drawing, _ = map_drawing.prepared(path, self.config.layer, self.legend, reader.crs, grid, whole)
        return drawing


def placeless(scene: str) -> InputError:
    """What to say of a scene that no map can be laid on."""
    remedy = "Set data.crs if only that is missing, or give maps of the other scenes alone, with {scene}"
    return InputError(f"scene '{scene}'", "has no place on the Earth, so it has no map", remedy)
