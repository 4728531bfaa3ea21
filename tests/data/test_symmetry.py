import numpy as np
import torch

from landloom.data.symmetry import COUNT, turn, turn_each

SQUARE = torch.tensor([[0, 1], [2, 3]])


def test_eight_distinct_variants_of_the_same_pixels() -> None:
    found = {tuple(turn(SQUARE, i).flatten().tolist()) for i in range(COUNT["d4"])}
    assert len(found) == 8
    assert {tuple(sorted(v)) for v in found} == {(0, 1, 2, 3)}


def test_variants_by_hand() -> None:
    assert turn(SQUARE, 0).tolist() == [[0, 1], [2, 3]]
    assert turn(SQUARE, 1).tolist() == [[1, 0], [3, 2]]
    assert turn(SQUARE, 2).tolist() == [[1, 3], [0, 2]]
    assert COUNT == {"none": 1, "flip": 2, "d4": 8}


def test_image_and_mask_turn_alike() -> None:
    labels = torch.from_numpy(np.random.default_rng(0).integers(0, 3, (6, 6)))
    image = torch.stack([labels * 10, labels * 100])
    for variant in range(8):
        assert torch.equal(turn(image, variant)[0], turn(labels, variant) * 10)


def test_each_item_gets_its_own_variant() -> None:
    batch = torch.randn(8, 3, 5, 5)
    found = turn_each(batch, torch.arange(8))
    assert all(torch.equal(found[i], turn(batch[i], i)) for i in range(8))
