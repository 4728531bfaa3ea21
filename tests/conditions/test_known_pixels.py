from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from landloom.conditions import registry
from landloom.conditions.base import Host
from landloom.conditions.group import Conditions
from landloom.conditions.known_pixels import KnownPixels
from landloom.config.encode import EncodeConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.known_pixels import KeptPixelsConfig
from landloom.data import kept_pixels, samples
from landloom.data.samples import Sample
from landloom.data.symmetry import turn
from landloom.errors import InputError
from tests import bases

VALUES = np.array([[[0, 50], [100, 200]], [[10, 20], [30, 40]]], np.uint8)
WHERE = np.array([[True, True], [True, False]])


def made(dropout: float = 0.1) -> KnownPixels:
    return KnownPixels([0, 0], [100, 40], 2, dropout)


def trained(dropout: float = 0.0, **drawn: Any) -> KnownPixels:
    host = Host(bases.dataset(), "caption", torch.zeros(1, 7, 32), 64)
    section = {"known_pixels": {"dropout": dropout, **drawn}}
    found = registry.told(ImageTrainConfig.model_validate(section), host).members["known_pixels"]
    assert isinstance(found, KnownPixels)
    return found


def cache(folder: Path) -> dict[str, Tensor]:
    """What encode keeps of eight tiles, and their masks."""
    tiles = bases.tiles(folder)
    kept = registry.recorded(EncodeConfig(known_pixels=KeptPixelsConfig()), bases.dataset(), tiles)
    masks = [torch.from_numpy(s.mask_array()) for s in samples.read(tiles, split="train")]
    return kept | {"mask": torch.stack(masks)}


def test_known_pixels_are_shown_on_the_scale_of_the_generator_and_others_are_not() -> None:
    own = made()
    told = own.load([Sample("a", layers=kept_pixels.layers(VALUES, WHERE)), Sample("b")])
    assert own.module is not None
    shown = own.module(told)
    expected = [[[-1, 0], [1, 0]], [[-0.5, 0], [0.5, 0]], [[1, 1], [1, 0]]]
    assert np.allclose(shown[0], expected, atol=1 / 254)
    assert bool((shown[1] == 0).all())
    assert own.untold(told).tolist() == [False, True]


def test_nothing_of_a_hidden_pixel_is_told() -> None:
    other = np.where(WHERE, VALUES, 99).astype(np.uint8)
    a, b = (made().load([Sample("a", layers=kept_pixels.layers(v, WHERE))]) for v in (VALUES, other))
    assert torch.equal(a, b)


@pytest.mark.parametrize("kind", ["boxes", "blobs", "classes"])
def test_training_tells_nothing_of_what_it_hides(kind: str, tmp_path: Path) -> None:
    """Each tile is shown but for a hole, and not a bit of what is in the hole changes what is shown."""
    rows, own = cache(tmp_path), trained(holes=[kind])
    straight = torch.zeros(8, dtype=torch.long)
    torch.manual_seed(0)
    shown = own.practised(rows, straight)
    hidden = (shown == 255).all(1)
    assert ((hidden.float().mean((1, 2)) > 0.02) & (hidden.float().mean((1, 2)) < 0.95)).all()
    kept = ~hidden[:, None].expand_as(shown)
    assert torch.equal(shown[kept], rows["known_pixels"][kept])
    changed = torch.where(kept, rows["known_pixels"], 17)
    torch.manual_seed(0)
    assert torch.equal(own.practised(rows | {"known_pixels": changed}, straight), shown)
    assert not torch.equal(own.practised(rows, straight), shown)  # another hole each time


def test_a_hole_turns_with_its_tile(tmp_path: Path) -> None:
    rows, own, found = cache(tmp_path), trained(holes=["classes"]), []
    for variant in (0, 3):
        torch.manual_seed(0)
        found.append(own.practised(rows, torch.full((8,), variant)))
    assert torch.equal(turn(found[0], 3), found[1])


def test_some_tiles_are_not_told_at_all(tmp_path: Path) -> None:
    rows = {k: v.repeat(50, *[1] * (v.ndim - 1)) for k, v in cache(tmp_path).items()}
    torch.manual_seed(0)
    own = trained(dropout=0.3)
    shown = own.practised(rows, torch.zeros(400, dtype=torch.long))
    assert own.untold(shown).float().mean().item() == pytest.approx(0.3, abs=0.07)


def test_no_layer_is_an_error_if_training_always_showed_one() -> None:
    with pytest.raises(InputError, match=r"^t1: has no layer 'known_pixels', which .*always was told"):
        made(dropout=0).load([Sample("t1")])


def test_from_the_tiles_to_the_sampler(tmp_path: Path) -> None:
    """Encode keeps them where it is asked, and the model's folder has all that a sampler needs."""
    assert "known_pixels" not in registry.recorded(EncodeConfig(), bases.dataset(), bases.tiles(tmp_path))
    rows, own = cache(tmp_path), trained(dropout=0.1)
    registry.save(Conditions([own]), tmp_path)
    again = registry.load(tmp_path).members["known_pixels"]
    every = np.ones((bases.SIDE, bases.SIDE), bool)
    train = samples.read(bases.tiles(tmp_path), split="train")
    layered = [Sample(s.id, layers=kept_pixels.layers(s.image_array(), every)) for s in train]
    assert torch.equal(own.cached(rows), again.load(layered))
    assert again.channels == own.channels == ["band 1", "band 2", "band 3", "band 4", "known"]
