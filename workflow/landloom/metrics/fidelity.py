"""FID and KID between two sets of pictures, from their features."""

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

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
