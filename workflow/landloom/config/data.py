"""``data``: the user's images and masks, and what their values mean."""

import math
import re
from datetime import date
from itertools import combinations
from operator import itemgetter
from pathlib import PurePath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from landloom.config.map import MapSourceConfig
from landloom.config.objects import ObjectsConfig, painted_classes
from landloom.config.section import Section

TAKEN = {"id", "scene", "split", "mean", "nan", "NaN"}
"""Names that no class can have: columns and rows of tables have them, or they are read as no value."""
COLOR = re.compile(r"#[0-9a-fA-F]{6}")


VECTORS = (".gpkg", ".geojson", ".json", ".shp", ".fgb")
"""Suffixes of files that hold shapes and no pixels."""


def drawn(path: str | PurePath) -> bool:
    """Whether a file of labels holds shapes, which have yet to be drawn."""
    return PurePath(path).suffix.lower() in VECTORS


def _color(value: str) -> str:
    if not COLOR.fullmatch(value):
        raise ValueError(f"'{value}' is not a colour; write it like '#1f77b4'")
    return value.lower()


def _value(value: Any) -> Any:
    """Refuse what is no mask value with one message, not with one for each type that it might have been."""
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(f"{value!r} is not a mask value; they are integers, or colours such as '#1f77b4'")
    if isinstance(value, list):
        raise ValueError(f"{value} is not a mask value; write a colour like '#1f77b4'")
    return value.lower() if isinstance(value, str) and COLOR.fullmatch(value) else value


def _share(value: Any) -> Any:
    """Refuse a single word: it may be meant as a share or as a name."""
    if isinstance(value, str):
        raise ValueError(f"'{value}' is neither a share such as 0.2 nor a list of names such as ['{value}']")
    if isinstance(value, list) and (wrong := [v for v in value if not isinstance(v, str)]):
        raise ValueError(f"{wrong[0]!r} is not the name of a scene for YAML; put it in quotes")
    return value


def _fill(value: Any) -> Any:
    """Refuse what is never data: a stage reads the config as JSON, which cannot hold it."""
    try:
        lost = value is not None and not math.isfinite(float(value))
    except (TypeError, ValueError):
        return value  # pydantic says what is wrong with it
    if lost:
        raise ValueError(f"{value} is missing in any band anyway; leave nodata out")
    return value


def _form(form: str) -> str:
    parts = re.findall("%.?", form)
    if "%Y" not in parts or not set(parts) <= {"%Y", "%m", "%d", "%j"} or len(set(parts)) != len(parts):
        raise ValueError(f"'{form}' holds no day; write it like '%Y%m%d', with a year of four digits, %Y")
    return form


def _one_line(name: str) -> str:
    if name.splitlines() != [name.strip()]:
        raise ValueError(f"{name!r} is blank, has spaces at its ends or more than one line")
    return name


Color = Annotated[str, AfterValidator(_color)]
Value = Annotated[int | str, BeforeValidator(_value)]
Share = Annotated[float | list[str], BeforeValidator(_share)]


class ClassSpec(Section):
    """A class of the output, and the mask values it is made from."""

    name: Annotated[str, AfterValidator(_one_line)] = Field(min_length=1)
    """Name of the class, as it should stand in prompts and tables."""
    values: list[Value] = Field(default=[])
    """Mask values (integers) or mask colours ('#rrggbb') that mean this class; several are merged. With
    ``vectors.attribute`` values of the attribute, also texts. None where a file of its own, or ``rest``, says
    the class."""
    color: Color
    """Colour of the class in pictures."""


class Scene(Section):
    """One scene, named in the config itself."""

    name: str
    """Name of the scene, of any signs in one line; paths hold it coded."""
    images: list[str] = Field(min_length=1)
    """Image file, or several files whose bands are stacked in this order."""
    mask: str | None = None
    """Mask file; only a scene of split 'unlabelled' may be without, and one that has it does not use it. With
    ``objects`` and no ``classes`` no scene has one."""
    split: Literal["train", "val", "test", "unlabelled"] | None = None
    """Split of the scene, when split.by is 'manifest'; 'unlabelled' holds with any split.by."""
    acquired: date | None = None
    """Day of acquisition, as YYYY-MM-DD; that in the image's tags when absent."""
    cloud: float | None = Field(default=None, ge=0, le=1)
    """Share of cloud, 0 to 1; that in the image's tags when absent."""
    gsd: float | None = Field(default=None, gt=0)
    """Metres that a pixel spans; as its CRS and transform have it when absent."""
    lon: float | None = Field(default=None, ge=-180, le=180)
    """Longitude of the centre in degrees east, for an image without CRS; its tiles all have it."""
    lat: float | None = Field(default=None, ge=-90, le=90)
    """Latitude of the centre in degrees north, likewise."""
    place: str | None = None
    """Name of the ground that it shows, the same for all dates and scales of it."""

    @model_validator(mode="after")
    def _place(self) -> Self:
        if (self.lon is None) != (self.lat is None):
            raise ValueError(f"scene '{self.name}': lon and lat belong together")
        return self


class Split(Section):
    """How scenes or blocks are divided into train, val and test; never tile by tile.

    Scenes of one place stay together: shares are of places, and a block of a place has one split at all
    dates. A scene without a place is one of its own.
    """

    by: Literal["scene", "block", "manifest"] = "scene"
    """Whole scenes, square blocks inside scenes, or the split column of the manifest."""
    val: Share = 0.15
    """Share of scenes or blocks for validation, or name patterns of scenes (such as 'area1*')."""
    test: Share = 0.2
    """Share of scenes or blocks for the test, or name patterns of scenes."""
    block: int = Field(default=512, ge=8)
    """Side of a block in pixels; windows never cross a block's edge."""
    seed: int = 0
    """Which scenes or blocks go where, when shares are given."""
    buffer: int = Field(default=0, ge=0)
    """Pixels around blocks of val and test from which no training tile is cut, with ``by: block``."""
    labelled: float = Field(default=1.0, gt=0, le=1)
    """Share of the train scenes whose labels are used, or with ``by: block`` of the train blocks of each
    scene; at least one. The others get the split 'unlabelled': their images alone are used. ``seed`` draws
    them, and those of a smaller share are among those of a larger one."""
    same_ground: Literal["error", "warning"] = "error"
    """What it is when scenes of different splits overlap on the ground, as two dates of one place do; train
    and unlabelled scenes may."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if any(isinstance(x, float) and not 0 <= x < 1 for x in (self.val, self.test)):
            raise ValueError("val and test are shares from 0 to below 1")
        if isinstance(self.val, float) and isinstance(self.test, float) and self.val + self.test >= 1:
            raise ValueError("val + test must be below 1: nothing would be left to train on")
        if self.by == "block" and not (isinstance(self.val, float) and isinstance(self.test, float)):
            raise ValueError("split.by: block takes shares for val and test, not names")
        return self


class Vectors(Section):
    """How shapes become masks, where ``masks`` are GeoPackage, GeoJSON, Shapefile or FlatGeobuf files."""

    attribute: str | None = Field(default=None, min_length=1)
    """Attribute whose values are the classes' ``values``. When absent, all shapes are of one class: the
    file's, or of two classes the one that is not ``rest``."""
    layer: str | None = Field(default=None, min_length=1)
    """Layer to read; needed where a file has several."""
    all_touched: bool = False
    """Whether a shape takes all pixels that it touches, not only those whose centre it holds."""


class DataConfig(Section):
    """Input imagery. Give exactly one of ``images`` + ``masks``, ``manifest`` or ``scenes``."""

    images: str | list[str] | None = None
    """Pattern of image files with wildcards, such as 'images/{scene}.tif'; a list stacks bands of files.
    The wildcard {place} names the ground that a scene shows, as in 'images/{place}_{day}.tif'."""
    masks: str | dict[str, str] | None = None
    """Pattern of mask files with the same wildcards; of vectors also one file for all scenes. Or a pattern
    for each class by its name: what is not 0 there, or has one of the class's ``values``, is the class; where
    classes overlap, the later one in ``classes`` counts."""
    vectors: Vectors | None = None
    """How shapes become masks."""
    rest: str | None = None
    """Class of the pixels that no shape and no class's own file takes; they are ignored when absent."""
    align: Literal["none", "nearest"] = "none"
    """'nearest' takes masks on another grid, or of another size, to the grid of their image, by the nearest
    value. Both need a georeference; what a mask does not cover is ignored."""
    manifest: str | None = None
    """CSV (comma, semicolon or tab), TSV or GeoJSON with columns scene, image, mask and, if wanted, split,
    acquired (YYYY-MM-DD), cloud (0 to 1), gsd (metres), lon and lat (degrees) and place (name of the ground
    that a scene shows). Scenes of split 'unlabelled' need no mask."""
    scenes: list[Scene] | None = None
    """Scenes written out here."""
    unlabelled: str | list[str] | None = None
    """Pattern of image files without masks: further scenes, of split 'unlabelled'. A list stacks bands."""
    bands: list[int] | None = Field(default=None, min_length=1)
    """Bands to read, in this order, counted from 1 over all stacked files; all but alpha when absent."""
    rgb: list[int] | None = Field(default=None, min_length=1, max_length=3)
    """Which of the read bands make a natural-colour picture, counted from 1: three, or one for grey.
    The first three when absent, or the first alone of one or two."""
    nodata: Annotated[float | None, BeforeValidator(_fill)] = None
    """Value of missing image pixels; the file's own when absent. Such pixels are ignored in the mask. One
    band with it is enough, but 0 and values of 8-bit bands, which may be measurements, must be in all bands
    of a file. NaN and infinities are missing in any band."""
    crs: str | None = None
    """Coordinate system to use in place of the files' own, such as 'EPSG:32119'."""
    map: MapSourceConfig | None = None
    """A map that is drawn for each tile, for generators with image_train.map; off when absent."""
    day_in_name: Annotated[str, AfterValidator(_form)] | None = None
    """How names of scenes hold the day of acquisition, such as '%Y%m%d': %Y, %m, %d, %j (day of the year) and
    signs between them. Only for scenes that have no day in the manifest; without %d it is the first."""
    objects: ObjectsConfig | None = None
    """Boxes of objects, beside the masks or in their place; none when absent."""
    classes: list[ClassSpec] = Field(default=[], min_length=2, max_length=255)
    """Classes of the output, in order. May be absent where ``objects`` are given and no masks: masks are then
    painted from the boxes, and their classes are the background and those of the objects."""
    ignore: list[Value] = Field(default=[])
    """Mask values or colours that are not any class: never trained on, never counted."""
    tolerance: float = Field(default=0.0, ge=0)
    """How far a mask value may be from the listed one it is taken for: for masks that were saved with loss,
    such as JPEG. Of colours it is the distance in R, G and B (0 to 255 each). 0 takes listed values alone."""
    split: Split = Split()
    """Division into train, val and test."""

    @property
    def painted(self) -> bool:
        """Whether masks are painted from objects, so that no scene has a mask file."""
        found = [c.model_dump(include={"name", "values", "color"}) for c in self.classes]
        return self.objects is not None and found == painted_classes(self.objects)

    def picture(self, bands: int) -> list[int]:
        """Which of the read bands make a picture, counted from 1."""
        return self.rgb or ([1, 2, 3] if bands >= 3 else [1])

    @model_validator(mode="before")
    @classmethod
    def _painted_classes(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("classes") or not values.get("objects"):
            return values
        try:
            return values | {"classes": painted_classes(ObjectsConfig.model_validate(values["objects"]))}
        except ValidationError:
            return values  # said where the objects are read

    @model_validator(mode="after")
    def _some_classes(self) -> Self:
        if not self.classes:
            raise ValueError("classes is missing; only objects without masks can do without")
        return self

    @model_validator(mode="after")
    def _rgb(self) -> Self:
        if self.rgb is not None and len(self.rgb) == 2:
            raise ValueError("rgb takes three bands, or one for grey; a band may stand twice")
        return self

    @model_validator(mode="after")
    def _sources(self) -> Self:
        given = [self.images is not None, self.manifest is not None, self.scenes is not None]
        if sum(given) != 1:
            raise ValueError("give exactly one of images (with masks), manifest, scenes")
        if self.masks is not None and (self.images is None or self.painted):
            said = (
                "masks need classes, whose values they hold"
                if self.painted
                else "images and masks belong together"
            )
            raise ValueError(said)
        if self.images is not None and self.masks is None and not self.painted:
            raise ValueError("images and masks belong together")
        if self.images == []:
            raise ValueError("images is empty; give a pattern")
        if self.masks == {}:
            raise ValueError("masks is empty; give a pattern, or one for each class")
        if isinstance(self.masks, dict) and self.by_attribute:
            raise ValueError("vectors.attribute: masks has a file for each class; take one of both away")
        if self.unlabelled == []:
            raise ValueError("unlabelled is empty; give a pattern, or leave it out")
        return self

    @model_validator(mode="after")
    def _masked(self) -> Self:
        for scene in self.scenes or []:
            if scene.mask is None and scene.split != "unlabelled" and not self.painted:
                raise ValueError(f"scene '{scene.name}' has no mask; give it, or say split: unlabelled")
            if scene.mask is not None and self.painted:
                raise ValueError(f"scene '{scene.name}' has a mask; give classes, whose values it holds")
        return self

    @model_validator(mode="after")
    def _values(self) -> Self:
        names: list[Value] = [c.name for c in self.classes]
        values: list[Value] = [v for c in self.classes for v in c.values] + self.ignore
        # In files of their own all classes may have the same value.
        apart = [] if isinstance(self.masks, dict) else values
        for kind, items in (("class name", names), ("mask value", apart)):
            twice = sorted({str(i) for i in items if items.count(i) > 1})
            if twice:
                raise ValueError(f"{kind} given twice: {', '.join(twice)}")
        if taken := sorted(TAKEN & set(names)):
            raise ValueError(f"a class cannot be called {', '.join(taken)}: tables mean something else by it")
        if self.by_attribute:
            return self
        if wrong := [v for v in values if isinstance(v, str) and not COLOR.fullmatch(v)]:
            raise ValueError(f"'{wrong[0]}' is not a colour; write it like '#1f77b4'")
        if len({isinstance(v, str) for v in values}) > 1:
            raise ValueError("mask values must be all integers or all colours")
        return self

    @model_validator(mode="after")
    def _known(self) -> Self:
        names = [c.name for c in self.classes]
        files = list(self.masks) if isinstance(self.masks, dict) else []
        for field, given in (("masks", files), ("rest", [self.rest] if self.rest else [])):
            if strange := [g for g in given if g not in names]:
                raise ValueError(f"{field}: '{strange[0]}' is no class; they are {', '.join(names)}")
        if isinstance(self.masks, str) and not drawn(self.masks) and (self.rest or self.vectors):
            key, what = ("rest", "vectors and for one file a class") if self.rest else ("vectors", "vectors")
            raise ValueError(f"{key}: '{self.masks}' holds pixels of all classes; it is for {what}")
        if isinstance(self.masks, str) and drawn(self.masks) and not self.by_attribute and self.shape is None:
            found = f"masks: '{self.masks}' holds shapes, and nothing says their class"
            raise ValueError(f"{found}; set vectors.attribute, or of two classes name one as rest")
        return self

    @model_validator(mode="after")
    def _sourced(self) -> Self:
        """Make sure that each class comes from somewhere, and from one place."""
        for c in self.classes:
            if c.name == self.rest and (c.values or c.name in self.own):
                raise ValueError(f"rest: class '{c.name}' has values or a file, too; it takes what is left")
            if self.own and c.name not in self.own and c.name != self.rest:
                raise ValueError(f"masks: class '{c.name}' has no file; give it one, or name it as rest")
            if not (c.values or self.own or c.name == self.rest or self.shape is not None):
                raise ValueError(f"classes: '{c.name}' has no values; list at least one")
        return self

    @property
    def own(self) -> dict[str, str]:
        """Patterns of the files of each class, in the order of the classes; empty without such files."""
        given = self.masks if isinstance(self.masks, dict) else {}
        return {c.name: given[c.name] for c in self.classes if c.name in given}

    @property
    def by_attribute(self) -> bool:
        """Whether classes are told by an attribute of shapes."""
        return self.vectors is not None and self.vectors.attribute is not None

    @property
    def shape(self) -> int | None:
        """Index of the class of all shapes, where no attribute says it: of two the one that is not rest."""
        others = [i for i, c in enumerate(self.classes) if c.name != self.rest]
        return others[0] if len(others) == 1 and not self.by_attribute else None

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        values = [v for c in self.classes for v in c.values] + self.ignore
        if not self.tolerance or isinstance(self.masks, dict) or self.by_attribute:
            return self
        apart = min(((_distance(a, b), a, b) for a, b in combinations(values, 2)), key=itemgetter(0))
        if 2 * self.tolerance >= apart[0]:
            found = f"values {apart[1]} and {apart[2]} are {apart[0]:.3g} apart"
            raise ValueError(f"tolerance {self.tolerance:g}, but {found}: give less than {apart[0] / 2:.3g}")
        return self


def _distance(a: Value, b: Value) -> float:
    """How far two mask values are apart; colours by R, G and B."""
    parts = [[int(v[i : i + 2], 16) for i in (1, 3, 5)] if isinstance(v, str) else [v] for v in (a, b)]
    return math.dist(*parts)
