"""Where and when requested samples shall be: wished for, or as tiles of a similar class mix are."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from landloom.config.metadata import MetadataWish
from landloom.data import samples
from landloom.data.samples import Meta
from landloom.planning.nearest import nearest

DRAW = 0x3E7A
"""Beside a request's seed, so that what is drawn here is drawn from other numbers than its mask."""


class Wishes:
    """Metadata of requests.

    Args:
        wish: fields that are asked for.
        ratios: class mixes (N, K) of real train tiles, for what is not; none if that is unknown.
        metas: metadata of these tiles.
    """

    def __init__(
        self, wish: MetadataWish, ratios: Sequence[Sequence[float]] = (), metas: Sequence[Meta | None] = ()
    ) -> None:
        self.values, self.ratios, self.metas = wish.values(), ratios, metas

    @classmethod
    def of(cls, wish: MetadataWish, tiles: Sequence[Path]) -> Self:
        """As the config says, with the tiles of shards if it needs them."""
        if wish.others == "unknown":
            return cls(wish)
        found = samples.columns(tiles, ["split", "ratios", "meta"])
        rows = [row for row in zip(*found.values(), strict=True) if row[0] == "train"]
        return cls(wish, [r for _, r, _ in rows], [m for *_, m in rows])

    def drawn(self, row: Mapping[Hashable, Any], known: Meta | None = None) -> Meta | None:
        """Metadata of a row of the plan.

        Args:
            row: the request.
            known: metadata of the tile that it takes, for the fields that are not wished for.

        Returns:
            None if nothing is known.
        """
        if known is None and len(self.ratios):
            known = self.metas[nearest([row], range(len(self.ratios)), self.ratios)[0]]
        if not self.values:
            return known
        rng = np.random.default_rng([int(row["seed"]), DRAW])
        places = {name: int(rng.integers(len(drawn))) for name, drawn in self.values.items()}
        if "lon" in places:
            places["lat"] = places["lon"]
        return replace(known or Meta(), **{k: drawn[places[k]] for k, drawn in self.values.items()})
