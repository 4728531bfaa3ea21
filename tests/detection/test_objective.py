from pathlib import Path

import numpy as np
import pytest
import torch

from landloom.config.detect import DetectConfig, Detector
from landloom.config.run import RunConfig
from landloom.data import sample_index, samples
from landloom.data.samples import Sample
from landloom.detection import networks, predict
from landloom.detection.boxes import corners, overlaps, quads
from landloom.detection.networks import Heads
from landloom.detection.objective import DetectionObjective, focal, losses
from landloom.detection.targets import targets
from landloom.detection.tiles import ObjectTiles
from landloom.errors import InputError
from landloom.training.loop import train
from tests import bright_boxes

TINY = Detector(encoder="resnet18", width=16)


def test_focal_loss_by_hand() -> None:
    """At a peak (1 - p)^2 log p; elsewhere (1 - y)^4 p^2 log(1 - p)."""
    logits, heat = torch.tensor([0.0, 2.0]), torch.tensor([1.0, 0.5])
    p = 1 / (1 + np.exp(-2.0))
    wanted = -(0.25 * np.log(0.5) + 0.5**4 * p**2 * np.log(1 - p))
    assert focal(logits, heat).item() == pytest.approx(wanted, rel=1e-5)


def test_losses_of_boxes_by_hand() -> None:
    box = np.array([[22.0, 12.0, 16.0, 8.0, 0.0, 1.0]])
    wanted = targets(corners(box), np.array([0]), np.array([False]), 1, 32, "rotated")
    heads = Heads(torch.full((1, 1, 8, 8), -20.0), torch.zeros(1, 6, 8, 8))
    found = losses(heads, [wanted])
    assert found["place"].item() == pytest.approx(0.5)  # 22 is 5.5 cells, 12 is 3
    assert found["sides"].item() == pytest.approx(np.log(4) + np.log(2))
    assert found["angle"].item() == pytest.approx(0.5 * 1)
    assert found["loss"].item() == pytest.approx(sum(v.item() for k, v in found.items() if k != "loss"))


def test_tiles_without_objects_have_a_loss() -> None:
    none = targets(np.zeros((0, 4, 2)), np.zeros(0), np.zeros(0, bool), 1, 32, "rotated")
    found = losses(Heads(torch.zeros(1, 1, 8, 8), torch.zeros(1, 6, 8, 8)), [none])
    assert found["loss"].item() == pytest.approx(64 * 0.25 * np.log(2), rel=1e-5)


def test_a_tile_nobody_looked_at_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    row = bright_boxes.sample("a", np.random.default_rng(0))
    samples.write(path, [Sample(id="b", image=row.image)])
    with pytest.raises(InputError, match="b: nobody looked for objects in it"):
        ObjectTiles(sample_index.located([path]), bright_boxes.dataset())


def test_a_detector_learns_places_sides_and_angles(tmp_path: Path) -> None:
    tiles = bright_boxes.tiles(tmp_path)
    torch.manual_seed(0)
    model = networks.build(TINY, 3, bright_boxes.NAMES, "rotated")
    data = ObjectTiles(sample_index.located(tiles[:1]), bright_boxes.dataset())
    config = DetectConfig(steps=120, batch=8, lr=3e-3, warmup=10)
    train(DetectionObjective(model, data, "d4"), config, RunConfig(), 0, tmp_path / "state", "detect")
    right = 0
    rows = list(samples.read(tiles[2]))
    for sample, found in predict.over(model, bright_boxes.dataset(), ((s, s.image_array()) for s in rows)):
        best = found.at(found.scores > 0.3)
        shared = overlaps(quads(sample.objects or []), best.corners)
        same = np.array([o.category for o in sample.objects or []])[:, None] == best.categories
        right += int(((shared > 0.5) & same).any(1).sum())
    assert right / sum(len(s.objects or []) for s in rows) > 0.7


def test_a_detector_comes_back_from_its_folder(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = networks.build(TINY, 4, ["a", "b", "c"], "horizontal").eval()
    networks.save(model, tmp_path / "model")
    again = networks.load(tmp_path / "model")
    assert (again.classes, again.kind) == (["a", "b", "c"], "horizontal")
    image = torch.rand(1, 4, 64, 64)
    with torch.no_grad():
        assert all(torch.equal(a, b) for a, b in zip(model(image), again(image), strict=True))
    assert again(image).boxes.shape == (1, 4, 16, 16)


def test_a_folder_without_a_detector_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no detector"):
        networks.load(tmp_path)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Detector(encoder="resnet17"), "the encoder 'resnet17' is unknown"),
        (
            Detector(weights="package"),
            r"detect\.networks: weights: 'package' holds no weights of the encoder",
        ),
        (Detector(weights="no.safetensors"), "there is no file no.safetensors"),
    ],
)
def test_what_cannot_be_built_is_an_input_error(network: Detector, message: str) -> None:
    with pytest.raises(InputError, match=message):
        networks.build(network, 3, ["a"], "rotated")


def test_odd_tiles_are_taken_and_tiny_ones_refused() -> None:
    model = networks.build(TINY, 3, ["a"], "rotated")
    networks.check_size(model, 67)
