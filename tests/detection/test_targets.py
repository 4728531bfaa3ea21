import numpy as np
import pytest
import torch

from landloom.detection.boxes import Found, Kind, boxes, corners
from landloom.detection.networks import STRIDE, Heads
from landloom.detection.predict import peaks
from landloom.detection.targets import NEARLY, Targets, targets

SIZE = 64
BOXES = np.array(
    [
        [20.0, 12.0, 16.0, 6.0, np.sin(0.8), np.cos(0.8)],
        [45.5, 47.25, 20.0, 18.0, np.sin(-2.0), np.cos(-2.0)],
        [50.0, 10.0, 12.0, 4.0, 0.0, -1.0],
    ]
)
CLASSES = np.array([0, 2, 0])


def asked(kind: Kind = "rotated", difficult: tuple[bool, ...] = (False,) * 3) -> Targets:
    return targets(corners(BOXES), CLASSES, np.array(difficult), 3, SIZE, kind)


def said(wanted: Targets) -> Found:
    """What a network finds that says what it should."""
    heat = torch.logit(torch.from_numpy(wanted.heat), 1e-4)
    heads = torch.zeros(wanted.boxes.shape[1], *wanted.heat.shape[1:])
    row, column = wanted.cells.T
    heads[:, row, column] = torch.from_numpy(wanted.boxes.T)
    found = peaks(Heads(heat, heads))
    return found.at(found.scores > 0.99)


def test_a_network_that_says_the_targets_finds_the_boxes() -> None:
    found = said(asked())
    order = np.argsort(found.corners[:, :, 0].mean(1))
    assert found.corners[order] == pytest.approx(corners(BOXES), abs=1e-4)
    assert found.categories[order].tolist() == CLASSES.tolist()


def test_level_targets_are_the_boxes_around_the_corners() -> None:
    found = said(asked("horizontal"))
    order = np.argsort(found.corners[:, :, 0].mean(1))
    wanted = corners(boxes(corners(BOXES), "horizontal"))
    assert found.corners[order] == pytest.approx(wanted, abs=1e-4)


def test_heat_is_one_at_centres_and_falls_off_across_a_box_first() -> None:
    heat = asked().heat
    assert np.argwhere(heat == 1).tolist() == [[0, 2, 12], [0, 3, 5], [2, 11, 11]]
    assert heat[1].max() == 0
    standing = corners(np.array([[32.0, 32.0, 60.0, 30.0, 0.0, -1.0]]))
    heat = targets(standing, CLASSES[:1], np.array([False]), 1, SIZE, "rotated").heat[0]
    # Standard deviations of 1.35 and 0.675 cells.
    assert heat[9, 8] == pytest.approx(np.exp(-0.5 / 1.35**2), rel=1e-4)
    assert heat[8, 9] == pytest.approx(np.exp(-0.5 / 0.675**2), rel=1e-4)


def test_difficult_objects_are_neither_peaks_nor_ground() -> None:
    found = asked(difficult=(False, True, False))
    assert len(found.cells) == len(found.boxes) == 2
    assert found.heat[2].max() == pytest.approx(NEARLY)


def test_an_object_whose_centre_is_outside_is_no_peak() -> None:
    outside = corners(BOXES) + np.array([SIZE - 15.0, 0.0])
    found = targets(outside[:1], CLASSES[:1], np.array([False]), 3, SIZE, "rotated")
    assert len(found.cells) == 0
    assert 0 < found.heat.max() < 1


def test_squares_tell_nothing_of_their_angle() -> None:
    square = corners(np.array([[30.0, 30.0, 10.0, 10.0, 0.0, 1.0]]))
    assert targets(square, CLASSES[:1], np.array([False]), 3, SIZE, "rotated").angled == pytest.approx([0])
    assert asked().angled == pytest.approx([1 - 6 / 16, 0.1, 1 - 4 / 12], abs=1e-6)


def test_no_objects_make_no_heat() -> None:
    none = np.zeros(0)
    found = targets(np.zeros((0, 4, 2)), none, none.astype(bool), 3, SIZE + 1, "rotated")
    assert found.heat.shape == (3, SIZE // STRIDE + 1, SIZE // STRIDE + 1)
    assert not found.heat.any()
    assert found.boxes.shape == (0, 6)
