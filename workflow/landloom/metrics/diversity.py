"""Do different seeds give different images? Distances between the images of one mask."""

import torch
from torch import Tensor


def mean_distance(first: Tensor, second: Tensor) -> float | None:
    """Mean Euclidean distance of features (N, D) in rows that belong together; None without a row.

    After the diversity score of Zhu et al. 2017 (BicycleGAN), with pooled features of the named extractor in
    place of LPIPS.
    """
    return float(torch.linalg.vector_norm(first - second, dim=1).mean()) if len(first) else None
