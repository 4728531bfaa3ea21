"""``scene_sample``: images of whole scenes, larger than a tile."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from landloom.config.section import NAME, NetworkSection, Section, Seed


class SceneMetadata(Section):
    """What generators that learned metadata are told of a scene."""

    lon: float | None = Field(default=None, ge=-180, le=180)
    """Longitude in degrees east; only with lat. Absent, each window has that of the map."""
    lat: float | None = Field(default=None, ge=-90, le=90)
    """Latitude in degrees north, likewise."""
    gsd: float | None = Field(default=None, gt=0)
    """Ground sampling distance in metres; absent, that of the map."""
    cloud: float | None = Field(default=None, ge=0, le=1)
    """Share of cloud, 0 to 1."""
    acquired: date | None = None
    """Day of acquisition, as YYYY-MM-DD."""

    @model_validator(mode="after")
    def _place(self) -> Self:
        if (self.lon is None) != (self.lat is None):
            raise ValueError("lon and lat belong together")
        return self


class SceneRequest(Section):
    """One scene that is wanted."""

    mask: str | None = None
    """GeoTIFF of class indices (255: no class known). Its size and place are those of the scene. Absent, that
    of `scene_mask.scenes` with the same name, which brings its image along."""
    image: str | None = None
    """Raster on the same grid, with the bands of the dataset: the hints of the generator are taken from it,
    and the scene starts from it where `image_sample.collage.strength` is below 1."""
    scale: int = Field(default=1, ge=1)
    """Side of a pixel of the scene in pixels of its mask and image, which are made coarser: classes by
    majority, bands by means. Then `landloom enlarge --mask` makes the scene as fine as its mask."""
    row: int = 0
    """Upper edge in the endless world that the seed makes, in pixels; scenes of one seed that overlap there
    begin with the same noise."""
    col: int = 0
    """Left edge, likewise."""
    seed: Seed | None = None
    """Seed of the world; absent, it follows from the run's seed and the scene's name."""
    shards: int = Field(default=1, ge=1)
    """Number of jobs that make it, each some of its rows and as many more as are felt there, and a last one
    that joins them: the same bytes as of one job. `averagings` must be a number then."""
    caption: str | None = None
    """Words for all of the scene; absent, each window is described by the class mix of its own mask."""
    metadata: SceneMetadata = SceneMetadata()
    """What generators that learned metadata are told."""


class SceneSampleConfig(NetworkSection):
    """Scenes, and how windows become one. Steps, guidance, solver and batch are those of image_sample."""

    scenes: dict[str, SceneRequest] = {}
    """Scenes by name."""
    overlap: float = Field(default=0.5, ge=0, le=0.875)
    """Share of a window's side that the next one has, too; 0 makes tiles with visible borders."""
    averagings: Annotated[int, Field(ge=1)] | Literal["all"] = "all"
    """How often overlapping windows are averaged: 'all' is at every step. With few of them windows go their
    own ways in between, and a pixel depends only on what is near; a generator of one step needs one."""

    @model_validator(mode="after")
    def _names(self) -> Self:
        for name in self.scenes:
            if not NAME.fullmatch(name):
                raise ValueError(f"scenes: the name '{name}' may hold letters, digits, '.', '_' and '-' only")
        return self

    @model_validator(mode="after")
    def _apart(self) -> Self:
        for name, scene in self.scenes.items():
            if scene.shards > 1 and self.averagings == "all":
                raise ValueError(
                    f"scenes.{name}.shards: {scene.shards} jobs cannot average at every step, since then all "
                    "of a scene is felt everywhere; set averagings to a small number, such as 2"
                )
        return self
