"""Small maps: vector files and legends for tests."""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import shapely

from tests.rasters import GRID

CRS = "EPSG:32652"
LEGEND = "key,value,class,width_m,order\nhighway,primary,road,20,2\nbuilding,*,house,,1\n"


def legend(folder: Path, text: str = LEGEND, name: str = "legend.csv") -> Path:
    """A legend; of roads 20 m wide over houses, unless another is given."""
    path = folder / name
    path.write_text(text)
    return path


def line(*points: tuple[float, float]) -> shapely.LineString:
    """A line through columns and rows of the grid of test scenes, of 10 m pixels."""
    return shapely.LineString([GRID @ p for p in points])


def box(left: float, top: float, right: float, bottom: float) -> shapely.Polygon:
    """A rectangle between columns and rows of that grid."""
    return shapely.Polygon([GRID @ p for p in ((left, top), (right, top), (right, bottom), (left, bottom))])


def save(
    path: Path, shapes: Sequence[object], crs: str = CRS, layer: str | None = None, **tags: Sequence[object]
) -> Path:
    """Write features with tags, brought to a CRS."""
    frame = gpd.GeoDataFrame(dict(tags), geometry=list(shapes), crs=CRS).to_crs(crs)
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_file(path, **({} if layer is None else {"layer": layer}))
    return path
