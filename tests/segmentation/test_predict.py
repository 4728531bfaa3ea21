from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from landloom.data import samples
from landloom.segmentation import predict
from tests import shards


class BandIsClass(nn.Module):
    """Takes the brightest band for the class."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 20


def test_every_sample_is_predicted_in_order(tmp_path: Path) -> None:
    paths = shards.tiles(tmp_path)
    found = list(predict.labels(BandIsClass(), shards.dataset(), samples.read(paths), batch=5))
    assert [s.id for s, _ in found] == samples.columns(paths, ["id"])["id"]
    for sample, labels in found:
        assert np.array_equal(labels, sample.mask_array())


def test_probabilities_sum_to_one(tmp_path: Path) -> None:
    paths = shards.tiles(tmp_path)[:1]
    for _, p in predict.probabilities(BandIsClass(), shards.dataset(), samples.read(paths)):
        assert torch.allclose(torch.from_numpy(p.sum(0)), torch.ones(32, 32), atol=1e-5)


def test_a_gpu_multiplies_in_single_precision(tmp_path: Path) -> None:
    """TF32, torch's default for convolutions, is off while a network is judged, and only then."""
    seen = []

    class Told(BandIsClass):
        def forward(self, x: Tensor) -> Tensor:
            seen.append((torch.backends.cudnn.allow_tf32, torch.backends.cudnn.enabled, x.dtype))
            return x

    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.enabled
    paths = shards.tiles(tmp_path)[:1]
    list(predict.labels(Told(), shards.dataset(), samples.read(paths)))
    assert seen == [(False, True, torch.float32)]
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.enabled) == before
