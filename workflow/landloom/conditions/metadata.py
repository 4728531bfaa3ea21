"""When, where and how an image was taken, through the embedding's door; each field may be unknown.

After DiffusionSat (Khanna et al. 2024), with three differences: an unknown field has a learned vector
and is no number, because 0 is a legal longitude; longitudes and seasons close to a circle; and places are
told in waves of several lengths, so that near ones can be told apart as well as far ones.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from landloom.conditions import location_encoder
from landloom.conditions.base import Condition, Embed, Host, Training
from landloom.conditions.location_encoder import LocationEncoder
from landloom.config.encode import EncodeConfig
from landloom.data import samples
from landloom.data.samples import Meta
from landloom.data.statistics import Statistics
from landloom.errors import InputError

FILE = "metadata.safetensors"
ENCODER = "encoder."
"""Begins the names of the location encoder's weights in it."""
RADIUS = 6371.0
"""Mean radius of the Earth, kilometres."""
LONGEST = 20000.0
"""Half of the Earth's girth, kilometres: longer waves say no more than the point on the sphere does."""
FIELDS = {"place": 3, "gsd": 1, "cloud": 1, "date": 5}
"""Fields, and how many numbers each of them is; behind those of all fields stand flags of which are known."""
NUMBERS = sum(FIELDS.values())


class Metadata(Condition):
    """Numbers and flags (B, 14) of the fields. Not told is zero in all, flags too: no field is known.

    A turned image keeps its metadata; only its shadows no longer fall where date and place would have them.

    Args:
        size: width of the time embedding that is added to.
        dropout: share of samples to which nothing is told.
        hidden: share of samples to which each field alone is not told.
        finest: length of the shortest wave in which places are told, kilometres.
        encoder: what knows places already, beside the waves.
    """

    name = "metadata"
    door = "embedding"

    def __init__(
        self, size: int, dropout: float, hidden: float = 0.0, finest: float = LONGEST,
        encoder: LocationEncoder | None = None,
    ) -> None:  # fmt: skip
        super().__init__(torch.zeros(NUMBERS + len(FIELDS)), dropout, FieldsEmbedding(size, finest, encoder))
        self.size, self.hidden, self.finest = size, hidden, finest

    @classmethod
    def told(cls, section: Training, host: Host) -> Self | None:
        """Of generators with a section ``metadata``.

        Raises:
            InputError: the location encoder cannot be read.
        """
        own = section.metadata
        if own is None:
            return None
        encoder = None if own.location_encoder is None else location_encoder.load(Path(own.location_encoder))
        return cls(host.time, own.dropout, own.hidden, own.finest, encoder)

    @classmethod
    def recorded(cls, section: EncodeConfig, dataset: Statistics, tiles: Sequence[Path]) -> Tensor:
        """Of all tiles: few numbers, and any generator may ask for them."""
        found = samples.columns(tiles, ["split", "id", "meta"]).values()
        rows = [numbers(meta or Meta(), name) for split, name, meta in zip(*found, strict=True)
                if split == "train"]  # fmt: skip
        return torch.tensor(rows, dtype=torch.float32).reshape(-1, NUMBERS + len(FIELDS))

    def cached(self, rows: Mapping[str, Tensor]) -> Tensor:
        """What ``recorded`` made of the tiles."""
        return rows["metadata"]

    def load(self, samples: Sequence[Any]) -> Tensor:
        """Of ``meta``; None stands for nothing known.

        Raises:
            InputError: a value cannot be.
        """
        rows = [numbers(self.field(s, "meta") or Meta(), getattr(s, "id", "meta")) for s in samples]
        return torch.tensor(rows, dtype=torch.float32)

    def practise(self, raw: Tensor) -> Tensor:
        """Each field hidden at its rate, and all of them at that of ``dropout``."""
        known = torch.rand(len(raw), len(FIELDS)) >= self.hidden
        counts = torch.tensor([*FIELDS.values()])
        wide = torch.cat([known.repeat_interleave(counts, 1), known], 1)
        return super().practise(raw * wide.to(raw))

    def settings(self) -> dict[str, Any]:
        """Rate, width and the shortest wave."""
        return super().settings() | {"size": self.size, "finest": self.finest}

    def save(self, folder: Path) -> None:
        """Write the layers."""
        assert self.module is not None
        save_file(self.module.state_dict(), folder / FILE)

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], embed: Embed | None) -> Self:
        """Metadata for a sampler."""
        weights = load_file(folder / FILE)
        known = {k.removeprefix(ENCODER): v for k, v in weights.items() if k.startswith(ENCODER)}
        encoder = LocationEncoder(known) if known else None
        made = cls(settings["size"], settings["dropout"], finest=settings["finest"], encoder=encoder)
        assert made.module is not None
        made.module.load_state_dict(weights)
        made.module.eval().requires_grad_(False)
        return made


class FieldsEmbedding(nn.Module):
    """Sum over fields of a small network each, or of a learned vector where a field is not known.

    The last layer starts at zero, so that a trained base answers as before until something is learned.
    """

    def __init__(self, size: int, finest: float, encoder: LocationEncoder | None) -> None:
        super().__init__()
        self.lengths, self.encoder = lengths(finest), encoder
        wide = FIELDS | {"place": 3 + 6 * len(self.lengths) + (encoder.width if encoder else 0)}
        self.fields = nn.ModuleList(
            nn.Sequential(nn.Linear(n, size), nn.SiLU(), nn.Linear(size, size)) for n in wide.values()
        )
        self.unknown = nn.Parameter(0.02 * torch.randn(len(FIELDS), size))
        self.last = nn.Linear(size, size)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, raw: Tensor) -> Tensor:
        """Embeddings (B, D) of numbers and flags (B, 14)."""
        spot, *others = raw[:, :NUMBERS].split([*FIELDS.values()], 1)
        parts, known = [self.located(spot), *others], raw[:, NUMBERS:, None]
        told = torch.stack([layers(part) for layers, part in zip(self.fields, parts, strict=True)], 1)
        return torch.as_tensor(self.last((known * told + (1 - known) * self.unknown).sum(1)))

    def located(self, spot: Tensor) -> Tensor:
        """All that is told of points on the unit sphere (B, 3)."""
        told = waves(spot, self.lengths)
        if self.encoder is None:
            return told
        # Brought to a mean square of 1, as waves have it about.
        features = F.normalize(self.encoder(spot)) * math.sqrt(self.encoder.width)
        return torch.cat([told, features], 1)


def lengths(finest: float) -> list[float]:
    """Lengths of waves in kilometres: the finest, and each double of it up to half of the Earth's girth."""
    count = max(0, math.floor(math.log2(LONGEST / finest) + 1e-9) + 1) if finest < LONGEST else 0
    return [finest * 2**i for i in range(count)]


def waves(spot: Tensor, lengths: Sequence[float]) -> Tensor:
    """Points on the unit sphere (B, 3), and sine and cosine of waves along its three axes (B, 3 + 6 L).

    On the sphere there is no seam at the date line and no pole where a step has no length, as longitude
    and latitude have.
    """
    angles = [spot * (2 * math.pi * RADIUS / length) for length in lengths]
    return torch.cat([spot, *(f(a) for a in angles for f in (torch.sin, torch.cos))], 1)


def numbers(meta: Meta, where: str) -> list[float]:
    """Numbers and flags of one sample's metadata.

    Raises:
        InputError: a value cannot be; ``where`` names the sample.
    """
    lon, lat, gsd, cloud, day = meta.lon, meta.lat, meta.gsd, meta.cloud, meta.acquired
    found = {
        "place": None if lon is None or lat is None else place(lon, lat, where),
        "gsd": None if gsd is None else [math.log2(_within(gsd, 1e-3, 1e5, "gsd", "metres", where))],
        "cloud": None if cloud is None else [_within(cloud, 0, 1, "cloud", "a share, not per cent", where)],
        "date": None if day is None else season(day),
    }
    values = [x for name, count in FIELDS.items() for x in found[name] or [0.0] * count]
    return [*values, *(float(found[name] is not None) for name in FIELDS)]


def place(lon: float, lat: float, where: str) -> list[float]:
    """A point on the unit sphere: finite at the poles, and 180 degrees east is 180 degrees west."""
    east = math.radians(_within(lon, -180, 180, "lon", "degrees", where) % 360)
    north = math.radians(_within(lat, -90, 90, "lat", "degrees", where))
    return [math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)]


def season(day: date) -> list[float]:
    """Day of the year on a circle, in two harmonics, and the year, about one per twenty years."""
    angle = 2 * math.pi * (day.timetuple().tm_yday - 1) / 365.25
    circle = [f(k * angle) for k in (1, 2) for f in (math.sin, math.cos)]
    return [*circle, (day.year - 2000) / 20]


def _within(value: float, low: float, high: float, name: str, unit: str, where: str) -> float:
    if not low <= value <= high:  # NaN, too
        found = f"{name} {value:g} is not within {low:g} to {high:g}"
        raise InputError(where, found, f"Give {unit}, or nothing")
    return float(value)
