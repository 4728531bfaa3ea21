"""Do masks look like maps? Statistics of masks beyond class shares, against those of real masks."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage, stats
from torch import Tensor, nn

from landloom.data.batches import spread
from landloom.data.cells import CELLS, reduced
from landloom.data.statistics import Statistics
from landloom.data.symmetry import turn
from landloom.metrics import extractors, fidelity
from landloom.raster import palette
from landloom.raster.labels import IGNORE
from landloom.raster.regions import borders_of

COPY = 0.95
"""Share of cells in common with a train mask from which a mask counts as a copy."""
COLUMNS = [
    "adjacency",
    "regions",
    "boundary",
    "specks",
    "joined",
    "fid",
    "kid",
    "nearest",
    "copies",
    "n",
    "n_reference",
]
SPECK = 4
"""Pixels below which a region is a speck."""
LARGEST = 3
"""Regions of a class that are counted as its connected part: a road is one, crumbs are not."""
MOST = 1024
"""Held-out masks that FID and KID are measured against."""

CHUNK = 1024
"""Masks whose cells are compared at once."""

Mask = NDArray[np.uint8]
Row = dict[str, str | float | None]


@dataclass(frozen=True)
class Shape:
    """Statistics of a set of masks.

    Attributes:
        adjacency: share of all borders that each pair of classes has (K, K), symmetric, sums to one.
        regions: log2 of the pixels of every region of one class (touching by a side).
        boundary: per mask, share of neighbouring pixel pairs that differ in class.
        specks: mean number of specks in a mask.
        joined: share of the pixels of each class (K,) that lie in its largest regions, mean over the masks
            that have it; NaN where none has.
    """

    adjacency: NDArray[np.float64]
    regions: NDArray[np.float64]
    boundary: NDArray[np.float64]
    specks: float
    joined: NDArray[np.float64]


def shape(masks: Iterable[Mask], classes: int) -> Shape:
    """Measure masks (H, W); pixels that are ignored have no neighbours."""
    borders, boundary = np.zeros((classes, classes)), list[float]()
    sizes, largest = list[NDArray[np.float64]](), list[list[float]]()
    for mask in masks:
        counted, share = borders_of(mask, classes)
        borders += counted
        boundary.append(share)
        found = region_sizes(mask, classes)
        sizes.append(np.concatenate(found))
        largest.append([connected(each) for each in found])
    regions = np.concatenate([*sizes, np.ones(0)])
    return Shape(
        adjacency=borders / max(borders.sum(), 1),
        regions=np.log2(regions),
        boundary=np.array(boundary),
        specks=float((regions < SPECK).sum() / max(len(boundary), 1)),
        joined=mean_of_known(np.array(largest).reshape(-1, classes)),
    )


def connected(sizes: NDArray[np.float64]) -> float:
    """Share of the pixels of regions that lie in the largest of them; NaN without any."""
    return float(np.sort(sizes)[-LARGEST:].sum() / sizes.sum()) if len(sizes) else float("nan")


def mean_of_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over rows (N, K) of what is not NaN; NaN where nothing is known."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(0)
    return np.where(known.any(0), total / np.maximum(known.sum(0), 1), np.nan)


def region_sizes(mask: Mask, classes: int) -> list[NDArray[np.float64]]:
    """Pixels of every region of each class."""
    sizes = []
    for k in range(classes):
        labelled, count = ndimage.label(mask == k)
        sizes.append(np.bincount(labelled.ravel(), minlength=count + 1)[1:].astype(np.float64))
    return sizes


def distances(made: Shape, real: Shape) -> dict[str, float]:
    """How far masks are from real ones; 0 is alike.

    'adjacency' is the share of borders that lies between other classes (total variation), 'regions' the
    Wasserstein distance of log2 region sizes (1: typically twice or half as large), 'boundary' the ratio of
    mean boundary lengths (1 is alike, above it masks are more ragged than real ones). 'joined' is the ratio
    of the shares of pixels in the largest regions, mean over classes: below 1 things are in pieces. 'specks'
    is no distance but the number in a mask.
    """
    ratio = made.joined / real.joined
    return {
        "adjacency": float(np.abs(made.adjacency - real.adjacency).sum() / 2),
        "regions": float(stats.wasserstein_distance(made.regions, real.regions)),
        "boundary": float(made.boundary.mean() / max(real.boundary.mean(), 1e-9)),
        "specks": made.specks,
        "joined": float(ratio[~np.isnan(ratio)].mean()) if not np.isnan(ratio).all() else float("nan"),
    }


def nearest(masks: Sequence[Mask], train: Sequence[Mask], classes: int) -> NDArray[np.float64]:
    """Share of cells (N,) that each mask has in common with the train mask most like it, in any turn."""
    best = [_most(cells(part, classes).flatten(1), train, classes) for part in _chunks(masks)]
    return (torch.cat(best) / CELLS**2).numpy().astype(np.float64)


def _most(asked: Tensor, train: Sequence[Mask], classes: int) -> Tensor:
    """Most cells (N,) that one-hot cells (N, ...) have in common with one of the train masks."""
    found = torch.zeros(len(asked))
    for part in _chunks(train):
        known = cells(part, classes)
        for variant in range(8):
            same = asked @ turn(known, variant).flatten(1).T
            found = torch.maximum(found, same.max(1).values)
    return found


def _chunks(masks: Iterable[Mask]) -> Iterator[list[Mask]]:
    """Masks, some at a time."""
    left = iter(masks)
    while part := list(islice(left, CHUNK)):
        yield part


def cells(masks: Sequence[Mask], classes: int) -> Tensor:
    """Masks as one-hot cells (N, K, CELLS, CELLS)."""
    small = torch.from_numpy(np.stack([reduced(m) for m in masks]))
    return (small[:, None] == torch.arange(classes)[:, None, None]).float()


class Validity:
    """Compares sets of masks with held-out real masks.

    Args:
        dataset: classes and colours.
        extractor: network of FID and KID on coloured masks.
        real: held-out real masks; they, and others, are gone through several times.
        train: masks the generator learnt from; ``reduced`` ones will do.
        batch: masks per forward pass of the extractor.
    """

    def __init__(
        self, dataset: Statistics, extractor: nn.Module, real: Collection[Mask], train: Sequence[Mask],
        batch: int,
    ) -> None:  # fmt: skip
        self.dataset, self.extractor, self.batch = dataset, extractor, batch
        self.train, self.real, self.shape = train, real, shape(real, len(dataset.classes))
        chosen = set(spread(range(len(real)), MOST))
        self.features = self._features(m for i, m in enumerate(real) if i in chosen)

    def row(self, variant: str, masks: Collection[Mask], known: bool) -> Row:
        """One row of the table; ``known`` masks are train masks themselves and not looked up among them."""
        found = fidelity.compare(self.features, self._features(masks))
        return (
            {"variant": variant}
            | distances(shape(masks, len(self.dataset.classes)), self.shape)
            | {"fid": found.fid, "kid": found.kid}
            | (dict.fromkeys(("nearest", "copies"), float("nan")) if known else self.likeness(masks))
            | {"n": found.n, "n_reference": found.n_reference}
        )

    def real_rows(self, train: Collection[Mask]) -> list[Row]:
        """Rows of real masks: some train masks, how far real masks lie apart, and the held-out ones.

        The latter are what everything is compared with, so they have likeness to train masks alone.
        """
        alike = self.row("real train masks", train, known=True)
        counts = {"n": len(self.real), "n_reference": len(self.real), "specks": self.shape.specks}
        held_out: Row = dict.fromkeys(alike, float("nan"))
        return [alike, held_out | {"variant": "real test masks"} | self.likeness(self.real) | counts]

    def likeness(self, masks: Iterable[Mask]) -> dict[str, float]:
        """Mean likeness to the nearest train mask and share of copies, among masks of more than one class.

        A mask of one class is like any train mask of that class, which says nothing about memory. NaN
        where all masks are of one class.
        """
        mixed = [reduced(m) for m in masks if len(np.setdiff1d(m, [IGNORE])) > 1]
        like = nearest(mixed, self.train, len(self.dataset.classes)) if mixed else np.array([np.nan])
        copies = float((like >= COPY).mean()) if mixed else float("nan")
        return {"nearest": float(like.mean()), "copies": copies}

    def _features(self, masks: Iterable[Mask]) -> Tensor:
        pictures = (palette.rgb(m, self.dataset.colors) for m in masks)
        return extractors.features(self.extractor, pictures, self.batch)
