"""``scene_mask``: masks of whole scenes, larger than a tile."""

from typing import Self

from pydantic import Field, model_validator

from landloom.config.plan import check_row
from landloom.config.section import NAME, Section, Seed


class MaskRequest(Section):
    """One mask that is wanted."""

    height: int = Field(ge=1)
    """Rows in pixels; at least a tile's."""
    width: int = Field(ge=1)
    """Columns in pixels; at least a tile's."""
    ratios: dict[str, float] | str | None = None
    """Share of each class in the whole scene, summing to one; classes left out are zero. Or a file with the
    shares of each block, which is as large as a tile: a CSV with columns row, col and one for each class, or
    a GeoTIFF with a band for each class, in their order. Absent, the shares of the train tiles."""
    crs: str | None = None
    """Coordinate system, such as 'EPSG:32640'; only with transform."""
    transform: list[float] | None = Field(default=None, min_length=6, max_length=6)
    """Pixel to map, as rasterio has it: pixel width, 0, left edge, 0, minus pixel height, upper edge."""
    seed: Seed | None = None
    """Absent, it follows from the run's seed and the scene's name."""

    @model_validator(mode="after")
    def _meant(self) -> Self:
        if isinstance(self.ratios, dict):
            check_row(self.ratios, False)
        if self.crs is not None and self.transform is None:
            raise ValueError("crs is given, but no transform: where do the pixels lie?")
        return self


class SceneMaskConfig(Section):
    """Masks that are wanted."""

    scenes: dict[str, MaskRequest] = {}
    """Masks by name."""

    @model_validator(mode="after")
    def _names(self) -> Self:
        for name in self.scenes:
            if not NAME.fullmatch(name):
                raise ValueError(f"scenes: the name '{name}' may hold letters, digits, '.', '_' and '-' only")
        return self

    def problem(self, names: set[str], size: int) -> str | None:
        """What is wrong with a request, given the classes and the side of a tile."""
        for name, scene in self.scenes.items():
            where = f"scene_mask.scenes.{name}"
            if min(scene.height, scene.width) < size:
                return f"{where}: {scene.height} x {scene.width} pixels are smaller than a tile of {size}"
            asked = set(scene.ratios) if isinstance(scene.ratios, dict) else set[str]()
            if wrong := sorted(asked - names):
                return f"{where}.ratios: no class is called {', '.join(wrong)}"
        return None
