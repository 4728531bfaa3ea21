import math
from pathlib import Path

import pytest
import torch
from torch import nn

from landloom.config.segment import Network
from landloom.data import sample_index
from landloom.data.tile_dataset import TileDataset
from landloom.segmentation import networks
from landloom.segmentation.objective import SegmentationObjective, accuracy, class_weights, cross_entropy
from tests import shards


def test_weights_follow_the_inverse_square_root() -> None:
    weights = class_weights("inverse_sqrt", [0.64, 0.16, 0.0])
    assert weights[1] / weights[0] == pytest.approx(2)
    assert weights[2] / weights[0] == pytest.approx(math.sqrt(0.64 / 1e-4))
    assert weights.mean() == pytest.approx(1)
    assert class_weights("none", [0.9, 0.1]).tolist() == [1, 1]


def test_loss_by_hand() -> None:
    logits = torch.log(torch.tensor([[[[0.5, 0.9]], [[0.5, 0.1]]]]))  # (1, 2, 1, 2)
    target = torch.tensor([[[0, 1]]])
    weights = torch.tensor([1.0, 3.0])
    expected = (-math.log(0.5) - 3 * math.log(0.1)) / 4
    assert cross_entropy(logits, target, weights).item() == pytest.approx(expected)
    ignored = torch.tensor([[[0, 255]]])
    assert cross_entropy(logits, ignored, weights).item() == pytest.approx(-math.log(0.5))
    assert accuracy(logits, target).item() == 0.5
    assert accuracy(logits, ignored).item() == 1


def test_same_as_torch_when_pixels_are_valid() -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(2, 4, 5, 5), torch.randint(0, 4, (2, 5, 5))
    weights = torch.rand(4) + 0.1
    assert torch.allclose(
        cross_entropy(logits, target, weights), nn.functional.cross_entropy(logits, target, weights)
    )


def test_batch_without_a_valid_pixel_has_no_nan() -> None:
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    loss = cross_entropy(logits, torch.full((2, 4, 4), 255), torch.ones(3))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.parametrize("architecture", ["DeepLabV3Plus", "PSPNet"])
def test_batch_of_one_trains(architecture: str, tmp_path: Path) -> None:
    model = networks.build(Network(architecture=architecture, encoder="mobilenet_v2"), 3, 3).train()
    tiles = TileDataset(sample_index.located(shards.tiles(tmp_path)[:1]), shards.dataset())
    objective = SegmentationObjective(model, tiles, torch.ones(3), "d4")
    assert objective.loss(model, torch.tensor([0]))["loss"].isfinite()
