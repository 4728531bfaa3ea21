"""A small network trained once on masks of two halves, whose border and classes vary."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from landloom.conditions.ratios import Ratios
from landloom.config.label_train import CategoricalConfig, LabelTrainConfig
from landloom.mask_diffusion.network import MaskDenoiser
from landloom.mask_diffusion.objective import CategoricalObjective
from landloom.training.loop import train
from tests.bases import LOGGED

SIZE, CLASSES = 16, 4
RATIOS = Ratios(None, CLASSES, dropout=0.1, partial=0.3)
OWN = CategoricalConfig(channels=(32,))


def masks(count: int = 256) -> Tensor:
    """Two halves of classes 0 and 1, or of 2 and 3: a class never meets those of the other pair."""
    torch.manual_seed(5)
    border = torch.randint(1, SIZE, (count, 1, 1))
    pair = 2 * torch.randint(0, 2, (count, 1, 1))
    left = torch.arange(SIZE)[None, None] < border
    return (pair + left.long()).expand(count, SIZE, SIZE).to(torch.uint8).contiguous()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> MaskDenoiser:
    """The trained network."""
    torch.manual_seed(0)
    network = MaskDenoiser(CLASSES, SIZE, channels=OWN.channels)
    config = LabelTrainConfig(steps=200, batch=16, lr=3e-3, warmup=10)
    objective = CategoricalObjective(network, masks(), RATIOS)
    state: Path = tmp_path_factory.mktemp("state")
    train(objective, config, LOGGED, 0, state, "test")
    return network
