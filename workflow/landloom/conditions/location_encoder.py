"""Features of places by the location encoder of GeoCLIP (Vivanco Cepeda et al. 2023), weights by path."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from landloom.runtime.reading import reading

EARTH = (1.340264, -0.081106, 0.000893, 0.003796)
"""Coefficients of the Equal Earth projection (Savric et al. 2019)."""
SCALE = 66.50336 / 180
"""Brings the projection to the numbers that the encoder was trained with."""


class LocationEncoder(nn.Module):
    """Sum of some networks, each over sines and cosines of one range of lengths.

    Args:
        weights: its state, with the names of the package geoclip; sizes are taken from it.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        count = 1 + max(int(m[1]) for name in weights if (m := re.match(r"LocEnc(\d+)\.", name)))
        for number in range(count):
            prefix = f"LocEnc{number}."
            own = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
            self.add_module(f"LocEnc{number}", Capsule(own))
        self.load_state_dict(dict(weights))
        self.eval().requires_grad_(False)

    @property
    def width(self) -> int:
        """Number of features."""
        return int(next(self.children()).head[0].out_features)  # type: ignore[union-attr, index, arg-type]

    def forward(self, spot: Tensor) -> Tensor:
        """Features (B, width) of points on the unit sphere (B, 3)."""
        flat = equal_earth(spot)
        return torch.stack([part(flat) for part in self.children()]).sum(0)


class Capsule(nn.Module):
    """One of the networks, of the sizes of its weights."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        numbers = sorted(int(m[1]) for name in weights if (m := re.match(r"capsule\.(\d+)\.weight", name)))
        layers: list[nn.Module] = [Waves(weights["capsule.0.b"])]
        for number in numbers:
            layers += [_linear(weights[f"capsule.{number}.weight"]), nn.ReLU()]
        self.capsule = nn.Sequential(*layers)
        self.head = nn.Sequential(_linear(weights["head.0.weight"]))

    def forward(self, flat: Tensor) -> Tensor:
        """Features (B, width) of points on the map (B, 2)."""
        return torch.as_tensor(self.head(self.capsule(flat)))


def _linear(weight: Tensor) -> nn.Linear:
    out, into = weight.shape
    return nn.Linear(into, out)


class Waves(nn.Module):
    """Cosines and sines of a point on a map in random directions (Tancik et al. 2020).

    Args:
        directions: (N, 2), in turns per unit.
    """

    def __init__(self, directions: Tensor) -> None:
        super().__init__()
        self.b: Tensor
        self.register_buffer("b", directions.clone())

    def forward(self, flat: Tensor) -> Tensor:
        """Numbers (B, 2 N) of points (B, 2)."""
        angles = 2 * math.pi * flat @ self.b.T
        return torch.cat([angles.cos(), angles.sin()], 1)


def equal_earth(spot: Tensor) -> Tensor:
    """Points on the map of Equal Earth (B, 2) of those on the unit sphere (B, 3)."""
    lon = torch.atan2(spot[:, 1], spot[:, 0])
    t = torch.asin(math.sqrt(3) / 2 * spot[:, 2].clamp(-1, 1))
    a1, a2, a3, a4 = EARTH
    slope = 3 * (9 * a4 * t**8 + 7 * a3 * t**6 + 3 * a2 * t**2 + a1)
    x = 2 * math.sqrt(3) * lon * t.cos() / slope
    y = a4 * t**9 + a3 * t**7 + a2 * t**3 + a1 * t
    return torch.stack([x, y], 1) * SCALE


def load(file: Path) -> LocationEncoder:
    """The encoder in a safetensors file.

    Raises:
        InputError: there is no such file, or its weights are of something else.
    """
    remedy = "Give that of the package geoclip, saved as safetensors (docs/systems.md)"
    with reading(f"metadata.location_encoder: {file}", "cannot be read as a location encoder", remedy):
        return LocationEncoder(load_file(file))
