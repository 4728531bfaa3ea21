"""What ``tile.scales`` asks of the rest of a config."""

from typing import Any

import pytest

from landloom.config import load
from landloom.config.tile import TileConfig
from landloom.errors import InputError
from tests.config.test_config import raw

TILE = {"tile": {"scales": [1, 2, 4]}}
TOLD = {"image_train": {"metadata": {}}}
NEAREST = {"label_sample": {"metadata": {"others": "nearest"}}}
REAL = {"label_sample": {"source": "real"}, "image_sample": {"source": "real"}}


def test_scales_are_in_order() -> None:
    assert load(raw(**TILE | TOLD | NEAREST)).tile.scales == [1, 2, 4]
    assert TileConfig(scales=[4, 1, 2]).scales == [1, 2, 4]
    assert TileConfig().scales == [1]


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ([1, 2.5], r"tile\.scales\.1: .*integer.*\(found 2.5\)"),
        ([1, 0], r"tile\.scales\.1: .*greater than or equal to 1 \(found 0\)"),
        ([1, -2], r"tile\.scales\.1: .*greater than or equal to 1 \(found -2\)"),
        ([1, "a"], r"tile\.scales\.1: .*integer"),
        ([1, 2, 2], r"tile\.scales: 2 stands there twice; remove it"),
        ([2, 4], r"tile\.scales: 1 is missing, the scale that plans, mixes and scores are for; add it"),
        ([], r"tile\.scales: 1 is missing"),
        (2, r"tile\.scales: .*list"),
    ],
)
def test_bad_scales_are_named(scales: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(raw(tile={"scales": scales}))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        NEAREST,
        {"generators": {"a": REAL}, **TOLD},
        {"label_train": {"backend": "categorical", "metadata": {}}, **NEAREST},
        {"image_train": {"backend": "pix2pix"}, "label_sample": {"source": "real"}},
    ],
)
def test_scales_that_nobody_learns_are_refused(changes: dict[str, Any]) -> None:
    message = (
        r"tile\.scales: \[1, 2, 4\], but no generator is told the scale of a tile.*image_train\.metadata"
    )
    with pytest.raises(InputError, match=message):
        load(raw(**TILE | changes))
    load(raw(**changes))


@pytest.mark.parametrize("source", ["model", "quilt", "paste", "layout"])
def test_samples_of_no_scale_in_particular_are_refused(source: str) -> None:
    asked = TILE | TOLD | {"label_sample": {"source": source}}
    with pytest.raises(
        InputError, match=r"'landloom' learns them all, but label_sample\.metadata does not say"
    ):
        load(raw(**asked))
    for wish in ({"gsd": 0.5}, {"gsd": [0.5, 1]}, {"others": "nearest"}):
        given = asked | {"label_sample": {"source": source, "metadata": wish}}
        try:
            load(raw(**given))
        except InputError as error:
            assert "tile.scales" not in str(error)  # noqa: PT017 - layouts want objects


def test_masks_of_real_tiles_bring_their_scale() -> None:
    load(raw(**TILE | TOLD | {"label_sample": {"source": "real"}}))


def test_one_generator_may_learn_levels_that_another_does_not() -> None:
    told = TOLD | NEAREST
    assert load(raw(**TILE, generators={"plain": {}, "pyramid": told})).tile.scales == [1, 2, 4]
    label = {"label_train": {"backend": "lora", "metadata": {}}}
    with pytest.raises(InputError, match=r"'masks' learns them all"):
        load(raw(**TILE, base={"masks": True}, generators={"pyramid": told, "masks": label}))


def test_a_quilted_scene_needs_its_scale_told() -> None:
    def asked(mask: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
        size = {"height": 512, "width": 512}
        scenes = {"scene_mask": {"scenes": {"s": size | mask}}}
        scenes |= {"scene_sample": {"scenes": {"s": {"metadata": metadata}}}}
        return raw(**TILE | TOLD | NEAREST | scenes)

    with pytest.raises(
        InputError, match=r"scene 's' shall have; give scene_sample\.scenes\.s\.metadata its gsd"
    ):
        load(asked({}, {}))
    load(asked({}, {"gsd": 4}))
    load(asked({"crs": "EPSG:32652", "transform": [4, 0, 0, 0, -4, 0]}, {}))
