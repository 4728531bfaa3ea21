from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from landloom.copy_paste.recipes import FEATHER, Recipe, Step, blended, turned

SIDE = 16


def right(column: int) -> NDArray[np.bool_]:
    return np.repeat(np.arange(SIDE)[None] >= column, SIDE, 0)


def tiles(*classes: int) -> tuple[Mapping[int, NDArray[np.uint8]], Mapping[int, NDArray[np.float32]]]:
    """Tiles of one class each, whose images are grey: 0, 0.2, 0.4 and so on."""
    masks = {n: np.full((SIDE, SIDE), k, np.uint8) for n, k in enumerate(classes)}
    return masks, {n: np.full((1, SIDE, SIDE), 0.2 * n, np.float32) for n in masks}


def test_mask_and_image_come_from_the_same_places() -> None:
    rng = np.random.default_rng(0)
    masks = {n: rng.integers(0, 3, (SIDE, SIDE)).astype(np.uint8) for n in range(3)}
    images = {n: (m[None] / 4 + np.float32(n) / 100).astype(np.float32) for n, m in masks.items()}
    steps = [Step(3, 1, 5, right(6)), Step(6, 2, 2, right(11), (3, 4))]
    recipe = Recipe(0, 7, steps, blend=False)
    mask, image = recipe.mask(masks), recipe.image(masks, images)[0]
    owner = np.rint((image - mask / 4) * 100).astype(int)
    assert set(np.unique(owner)) == {0, 1, 2}
    shares = {n: float((owner == n).mean()) for n in range(3)}
    assert recipe.shares(SIDE) == pytest.approx(shares)
    assert list(recipe.shares(SIDE).values()) == sorted(shares.values(), reverse=True)
    assert recipe.tiles == {0, 1, 2}


def test_a_step_turns_what_is_there_first() -> None:
    masks = {0: np.tile(np.arange(SIDE, dtype=np.uint8), (SIDE, 1)), 1: np.full((SIDE, SIDE), 99, np.uint8)}
    made = Recipe(0, 0, [Step(2, 1, 0, right(12))]).mask(masks)
    assert np.array_equal(made[:, :12], turned(masks[0], 2)[:, :12])
    assert (made[:, 12:] == 99).all()


def test_a_seam_is_blended_where_both_have_one_class() -> None:
    masks, images = tiles(1, 1)
    image = Recipe(0, 0, [Step(0, 1, 0, right(8))]).image(masks, images)
    assert np.allclose(image, 0, atol=1e-6)  # the colour of what is there
    weight = blended(right(8), np.ones((SIDE, SIDE), bool))[0]
    assert np.allclose(weight[: 8 - FEATHER], 0)
    assert np.allclose(weight[8 + FEATHER :], 1)
    assert (np.diff(weight) >= 0).all()
    assert weight[7] + weight[8] == pytest.approx(1)
    hard = blended(right(8), np.zeros((SIDE, SIDE), bool))[0]
    assert np.array_equal(hard, np.arange(SIDE) >= 8)


def test_other_classes_keep_their_colours_and_nothing_is_blended_without_a_wish() -> None:
    masks, images = tiles(1, 2)
    made = Recipe(0, 0, [Step(0, 1, 0, right(8))]).image(masks, images)[0, 0]
    assert np.allclose(made, np.where(np.arange(SIDE) < 8, 0, 0.2))
    masks, images = tiles(1, 1)
    made = Recipe(0, 0, [Step(0, 1, 0, right(8))], blend=False).image(masks, images)[0, 0]
    assert np.allclose(made, np.where(np.arange(SIDE) < 8, 0, 0.2))


@pytest.mark.parametrize("take", [True, False])
def test_a_step_that_takes_all_or_nothing_has_no_seam(take: bool) -> None:
    whole = np.full((SIDE, SIDE), take)
    assert (blended(whole, np.ones_like(whole)) == take).all()
