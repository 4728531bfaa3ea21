"""The condition ``metadata``: when, where and how an image was taken."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from landloom.config.section import Section

LIMITS = {"lon": (-180, 180), "lat": (-90, 90), "gsd": (1e-3, 1e5), "cloud": (0, 1)}
"""Smallest and largest value of each number."""


class MetadataConfig(Section):
    """How place, ground sampling distance, cloud and date are told in training."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images of which nothing of it is told, for guidance."""
    hidden: float = Field(default=0.1, ge=0, lt=1)
    """Share of training images to which each field alone is not told, so that any may be unknown."""
    finest: float = Field(default=100.0, ge=1)
    """Kilometres between places that are told apart well: the length of the shortest of the waves in which
    places are told. Short ones let few scenes be learned by heart."""
    location_encoder: str | None = None
    """Safetensors file with the weights of GeoCLIP's location encoder (Vivanco Cepeda et al. 2023), whose
    features of a place are told, too; it is not trained on, and goes into the model's folder."""


Number = Annotated[float | list[float], Field(union_mode="left_to_right")]


class MetadataWish(Section):
    """Metadata that generated samples shall have, one value each or a list that is drawn from."""

    lon: Number | None = None
    """Longitude in degrees east; only with lat. Of two lists the same entry is drawn."""
    lat: Number | None = None
    """Latitude in degrees north; only with lon."""
    gsd: Number | None = None
    """Ground sampling distance in metres."""
    cloud: Number | None = None
    """Share of cloud, 0 to 1."""
    acquired: date | list[date] | None = None
    """Day of acquisition, as YYYY-MM-DD."""
    others: Literal["unknown", "nearest"] = "unknown"
    """Fields that are left out: 'unknown', or with 'nearest' those of the real train tile whose class mix is
    nearest to what is asked for, since mix, place and season belong together."""

    def values(self) -> dict[str, list[Any]]:
        """What each field that is given is drawn from."""
        given = {name: getattr(self, name) for name in (*LIMITS, "acquired")}
        return {k: v if isinstance(v, list) else [v] for k, v in given.items() if v is not None}

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for name, drawn in self.values().items():
            low, high = LIMITS.get(name, (None, None))
            if not drawn:
                raise ValueError(f"{name} is an empty list; give values, or leave it out")
            if low is not None and (wrong := [v for v in drawn if not low <= v <= high]):
                raise ValueError(f"{name} {wrong[0]:g} is not within {low:g} to {high:g}")
        return self

    @model_validator(mode="after")
    def _place(self) -> Self:
        drawn = self.values()
        if ("lon" in drawn) != ("lat" in drawn):
            raise ValueError("lon and lat belong together")
        if "lon" in drawn and len(drawn["lon"]) != len(drawn["lat"]):
            raise ValueError(f"{len(drawn['lon'])} values of lon, but {len(drawn['lat'])} of lat")
        return self
