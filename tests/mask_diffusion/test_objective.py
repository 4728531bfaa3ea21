import math

import pytest
import torch

from landloom.mask_diffusion import objective
from landloom.mask_diffusion.network import MaskDenoiser
from landloom.mask_diffusion.objective import CategoricalObjective
from landloom.raster.labels import IGNORE
from tests.announced import Announced, foretold
from tests.mask_diffusion.conftest import CLASSES, OWN, RATIOS, SIZE, masks


def network() -> MaskDenoiser:
    torch.manual_seed(0)
    return MaskDenoiser(CLASSES, SIZE, channels=OWN.channels)


def test_shares_leave_out_ignored_pixels() -> None:
    mask = torch.tensor([[[0, 0], [2, IGNORE]], [[IGNORE, IGNORE], [IGNORE, IGNORE]]], dtype=torch.uint8)
    found = objective.shares(mask, 3)
    assert found[0].tolist() == pytest.approx([2 / 3, 0, 1 / 3])
    assert found[1].tolist() == [0, 0, 0]


def test_what_is_shown_is_true() -> None:
    torch.manual_seed(0)
    labels = masks(8)
    shown = objective.hide(labels)
    assert ((shown == labels) | (shown == IGNORE)).all()
    assert 0 < (shown != IGNORE).float().mean() < 1


def test_an_untaught_network_is_as_wrong_as_guessing() -> None:
    model = network()
    model.unet.conv_out.weight.data.zero_()
    model.unet.conv_out.bias.data.zero_()
    made = CategoricalObjective(model, masks(4), RATIOS)
    assert made.loss(model, torch.arange(4))["loss"].item() == pytest.approx(math.log(CLASSES), rel=1e-5)


def test_ignored_pixels_are_neither_shown_nor_learnt() -> None:
    labels = torch.full((2, SIZE, SIZE), IGNORE, dtype=torch.uint8)
    model = network()
    made = CategoricalObjective(model, labels, RATIOS)
    assert made.loss(model, torch.arange(2))["loss"].item() == 0


def test_training_teaches(model: MaskDenoiser) -> None:
    made = CategoricalObjective(model, masks(32), RATIOS)
    torch.manual_seed(1)
    with torch.no_grad():
        found = made.loss(model, torch.arange(32))["loss"].item()
    assert found < 0.5 * math.log(CLASSES)


def test_the_masks_of_the_next_step_are_announced() -> None:
    labels, model = Announced(masks(4)), network()
    made = CategoricalObjective(model, labels, RATIOS)
    assert foretold(made, model, [labels], torch.tensor([0, 3]))
