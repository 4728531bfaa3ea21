"""The same place at other days, through the hint's door: what is generated is one more day of a series.

After the temporal ControlNet of DiffusionSat (Khanna et al. 2024), with two differences: each day is told
with its distance in time to the one that is asked for, before or after, and any number of days may be there.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from landloom.conditions.base import Embed
from landloom.conditions.known_pixels import STEPS, UNKNOWN, steps
from landloom.conditions.of_image import OfImage
from landloom.config.dates import DatesConfig, KeptDatesConfig
from landloom.data import dates
from landloom.data.statistics import Statistics
from landloom.data.symmetry import turn_each
from landloom.errors import InputError
from landloom.raster.series import Frame, nearest

FILE = "dates.safetensors"
LONGEST = 36525
"""Days between two images that count as as far as can be: a century."""


class Dates(OfImage):
    """Other days (B, K, C + 1, H, W) in steps of 1/254: bands between their limits, and a plane of time.

    The plane is the same everywhere: the logarithm of the days between it and the day that is asked for, 0 to
    126 before, 128 to 254 after. 255 stands for what is not known: pixels without data, a time of which one
    end is not known, and all of a day that is not there. So not told is 255 everywhere.

    Args:
        low: value of each band (C,), in the image's own units, that becomes -1.
        high: value of each band (C,) that becomes 1.
        size: side of a tile, for samples of which no other day is known.
        most: days K at most.
        dropout: share of samples that learn without any.
        stem: channels of the network that looks at each day.
        thinned: whether training shows a part of the days, drawn anew each time.
    """

    name = "dates"

    def __init__(
        self, low: Sequence[float], high: Sequence[float], size: int, most: int, dropout: float, stem: int,
        thinned: bool = False,
    ) -> None:  # fmt: skip
        null = torch.tensor(UNKNOWN, dtype=torch.uint8)
        names = [*(f"feature {i} of other days" for i in range(1, stem + 1)), "known"]
        super().__init__(null, dropout, Days(len(low), stem), names)
        self.low, self.high, self.size, self.most = low, high, size, most
        self.stem, self.thinned = stem, thinned

    @classmethod
    def of(cls, section: KeptDatesConfig, dataset: Statistics, dropout: float) -> Self:
        """For the tiles of a dataset.

        Raises:
            InputError: they have no other days.
        """
        if not dataset.dates:
            found = "the tiles have no other days"
            raise InputError("statistics, dates", found, "Cut them with tile.dates, then run ratios again")
        learned = isinstance(section, DatesConfig)
        stem = section.stem if isinstance(section, DatesConfig) else DatesConfig().stem
        return cls(dataset.low, dataset.high, dataset.size, dataset.dates, dropout, stem, learned)

    def taken(self, sample: Any) -> Tensor:
        """Other days (K, C + 1, H, W) of a sample, in their order; what is missing of K is not known."""
        meta, found = self.field(sample, "meta"), dates.frames(sample)
        target = None if meta is None else meta.acquired
        chosen = nearest(target, [frame.acquired for frame in found], self.most)
        raw = self.untaken.clone()
        for i, k in enumerate(chosen):
            raw[i] = torch.from_numpy(packed(found[k], target, self.low, self.high))
        return raw

    @property
    def untaken(self) -> Tensor:
        """Other days (K, C + 1, H, W), none of them known."""
        return self.null.expand(self.most, len(self.low) + 1, self.size, self.size)

    def _one(self, sample: Any) -> Tensor:
        if self.field(sample, "layers") and sample.layer(dates.NAME):
            return self.taken(sample)
        remedy = "Take masks of real tiles that have other days (label_sample.source: real)"
        return self._without(sample, f"has no layer '{dates.NAME}'", remedy)

    def practised(self, rows: Mapping[str, Tensor], variants: Tensor) -> Tensor:
        """Days of tiles, turned; a part of them if it is to be thinned, and some tiles not told."""
        raw = turn_each(self.cached(rows), variants)
        return self.practise(thin(raw) if self.thinned else raw)

    def settings(self) -> dict[str, Any]:
        """Rate, limits of the bands, side of a tile, days and channels."""
        own = {"low": self.low, "high": self.high, "size": self.size, "most": self.most, "stem": self.stem}
        return super().settings() | own

    def save(self, folder: Path) -> None:
        """Write the layers."""
        assert self.module is not None
        save_file(self.module.state_dict(), folder / FILE)

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any], embed: Embed | None) -> Self:
        """Other days for a sampler."""
        made = cls(**{k: settings[k] for k in ("low", "high", "size", "most", "dropout", "stem")})
        assert made.module is not None
        made.module.load_state_dict(load_file(folder / FILE))
        made.module.eval().requires_grad_(False)
        return made


class Days(nn.Module):
    """One small network looks at each day; their mean, weighted pixel by pixel, is handed on.

    The weights are a softmax of learned scores over the days that are known at a pixel. So neither their
    order nor, in size, their number makes a difference.

    Args:
        bands: of an image.
        stem: channels of the network and of what it hands on.
    """

    def __init__(self, bands: int, stem: int) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(bands + 3, stem, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(stem, stem, 3, padding=1),
            nn.SiLU(),
        )
        self.out = nn.Conv2d(stem, stem, 1)
        self.score = nn.Conv2d(stem, 1, 1)

    def forward(self, raw: Tensor) -> Tensor:
        """Channels (B, S + 1, H, W), zero where no day is known, of days (B, K, C + 1, H, W)."""
        seen, known = shown(raw)
        count, days, *_, height, width = raw.shape
        looked = self.look(seen.flatten(0, 1).to(self.score.weight.dtype))
        found = self.out(looked).view(count, days, -1, height, width)
        scores = self.score(looked).view(count, days, 1, height, width)
        # Shifted by the largest of the known days, so that no exponential overflows.
        top = scores.masked_fill(~known, -torch.inf).amax(1, keepdim=True).nan_to_num(neginf=0)
        weights = torch.exp(torch.where(known, scores - top, 0)) * known
        total = weights.sum(1)
        told = known.any(1)
        mean = (weights * found).sum(1) / torch.where(told, total, 1)
        return torch.cat([mean * told, told.to(mean)], 1)


def shown(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Days (B, K, C + 1, H, W) as channels (B, K, C + 3, H, W), and where they are known (B, K, 1, H, W).

    Bands and time are from -1 to 1, and zero where they are not known; behind each stands whether they are.
    """
    scaled, there = raw.float() * (2 / STEPS) - 1, raw != UNKNOWN
    known, dated = there[:, :, :1], there[:, :, -1:]
    parts = [scaled[:, :, :-1] * known, known, scaled[:, :, -1:] * dated * known, dated & known]
    return torch.cat([p.float() for p in parts], 2), known


def packed(
    frame: Frame, target: date | None, low: Sequence[float], high: Sequence[float]
) -> NDArray[np.uint8]:
    """One day (C + 1, H, W) in steps, seen from the day ``target``."""
    bands = steps(frame.values, frame.valid, low, high)
    time = UNKNOWN if target is None else since((frame.acquired - target).days)
    return np.concatenate([bands, np.full((1, *bands.shape[1:]), time, np.uint8)])


def since(days: int) -> int:
    """The step for days after (or, below zero, before) the one that is asked for; 127 is that day itself."""
    part = min(1.0, math.log1p(abs(days)) / math.log1p(LONGEST))
    return round(STEPS / 2 * (1 + math.copysign(part, days)))


def thin(raw: Tensor) -> Tensor:
    """A part of the days (B, K, ...) of each sample: any number of those that it has, each as likely."""
    there = (raw != UNKNOWN).flatten(2).any(2)
    order = torch.rand(there.shape).masked_fill(~there.cpu(), torch.inf).argsort(1).argsort(1)
    keep = 1 + (torch.rand(len(raw)) * there.sum(1).cpu()).long()
    hidden = (order >= keep[:, None]).to(raw.device)
    return torch.where(hidden.view(*hidden.shape, 1, 1, 1), UNKNOWN, raw)
