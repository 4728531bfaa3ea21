"""FID and KID of several generators beside one real set, against torchmetrics as scripts use it.

python benchmarks/fidelity_rows.py [--pictures 32] [--pairs 5]

Scripts feed real and generated pictures to metrics for each generator. Here features are taken once of each
set, and the same metrics compare them: the same FID, which is checked. EfficientNet-Lite0 sees the pictures.
"""

import argparse

import numpy as np
import torch
from bench_base import THREADS
from comparison import interleaved, report
from torch import Tensor
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from landloom.config.features import FeaturesConfig
from landloom.metrics import extractors, fidelity
from landloom.training.loop import device

GENERATORS, BATCH, SIDE = 3, 16, 64


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=32)
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    rng = np.random.default_rng(0)
    shape = (GENERATORS + 1, given.pictures, SIDE, SIDE, 3)
    real, *made = rng.integers(0, 256, shape, np.uint8)
    extractor = extractors.load(FeaturesConfig().extractor).to(device())

    def ours() -> list[float]:
        known = extractors.features(extractor, real, BATCH)
        found = [fidelity.compare(known, extractors.features(extractor, m, BATCH)).fid for m in made]
        return [f for f in found if f is not None]

    def theirs() -> list[float]:
        return [scored(extractor, real, m) for m in made]

    for a, b in zip(ours(), theirs(), strict=True):
        assert abs(a - b) < 1e-2 * b, f"FIDs differ: {a} and {b}"
    ratios, took = interleaved(ours, theirs, given.pairs)
    report(
        "fidelity", f"FID and KID of {GENERATORS} generators, {given.pictures} pictures each",
        "torchmetrics, fed for each generator", ratios, took=took,
        floor=f"features of {GENERATORS + 1} sets for {4 * GENERATORS}",
    )  # fmt: skip


@torch.no_grad()
def scored(extractor: torch.nn.Module, real: np.ndarray, made: np.ndarray) -> float:
    """FID as scripts compute it, beside KID."""
    metrics = [
        FrechetInceptionDistance(extractor),
        KernelInceptionDistance(
            extractor, subsets=fidelity.SUBSETS, subset_size=min(fidelity.SUBSET, len(made))
        ),
    ]
    for metric in metrics:
        metric.to(device())
        for pictures, truly in ((real, True), (made, False)):
            for part in tensors(pictures).split(BATCH):
                metric.update(part.to(device()), real=truly)
    fid, _ = (metric.compute() for metric in metrics)
    return float(fid)


def tensors(pictures: np.ndarray) -> Tensor:
    """Pictures (N, H, W, 3) as torch has them."""
    return torch.from_numpy(pictures).movedim(-1, 1).contiguous()


if __name__ == "__main__":
    main()
