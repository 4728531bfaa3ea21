"""FID and KID between two sets of pictures, from features that are computed once."""

import itertools
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from landloom.runtime import progress
from landloom.training.loop import device

SUBSETS, SUBSET = 100, 50
"""Number and size of the random subsets of KID; smaller sets are compared whole."""


@dataclass(frozen=True)
class Fidelity:
    """Distance of ``n`` pictures to ``n_reference`` real ones; None with fewer than two of either."""

    fid: float | None
    kid: float | None
    n: int
    n_reference: int


class _Given(nn.Identity):
    """Stands in for the extractor, so that both metrics share features that are already there."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features


def features(extractor: nn.Module, pictures: Iterable[NDArray[np.uint8]], batch: int) -> Tensor:
    """Features (N, D) of pictures (H, W, 3), ``batch`` at a time; N may be 0."""
    extractor = extractor.to(device())
    iterator, found = progress.shown(pictures, "features of pictures"), []
    while part := list(itertools.islice(iterator, batch)):
        images = torch.from_numpy(np.stack(part)).movedim(-1, 1).contiguous()
        with torch.no_grad():
            found.append(extractor(images.to(device())).float().cpu())
    return torch.cat(found) if found else torch.empty(0, 1)


def compare(reference: Tensor, made: Tensor) -> Fidelity:
    """FID (Heusel et al. 2017) and KID (Binkowski et al. 2018) of features (N, D); deterministic."""
    n, n_reference = len(made), len(reference)
    if min(n, n_reference) < 2:
        return Fidelity(None, None, n, n_reference)
    given = _Given(reference.shape[1])
    fid = FrechetInceptionDistance(given)
    with warnings.catch_warnings():  # it keeps all features in memory, which evaluate.samples bounds
        warnings.simplefilter("ignore", UserWarning)
        kid = KernelInceptionDistance(given, subsets=SUBSETS, subset_size=min(SUBSET, n, n_reference))
    for metric in (fid, kid):
        metric.update(reference, real=True)
        metric.update(made, real=False)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Fidelity(float(fid.compute()), float(kid.compute()[0]), n, n_reference)
