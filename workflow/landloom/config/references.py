"""Names in one section that another one must know: classes, networks, scenes, masks with images."""

import typing
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from landloom.config.curate import CurateConfig
from landloom.config.image_sample import ImageSampleConfig
from landloom.config.label_sample import LabelSampleConfig
from landloom.config.label_train import LabelTrainConfig
from landloom.config.plan import check_complete, check_pixels

if TYPE_CHECKING:
    from landloom.config import Config


def problems(config: "Config") -> Iterator[str]:
    """Yield what names nothing."""
    known = {c.name for c in config.data.classes}
    if config.check.published and (wrong := sorted(config.check.published.shares.keys() - known)):
        yield f"check.published.shares: no class is called {', '.join(wrong)}"
    yield from scenes(config)
    if problem := config.scene_mask.problem(known, config.tile.size):
        yield problem
    for name in config.all_generators:
        yield from planned(config, name, known)
        yield from rows(config, name) if name in config.alone else sources(config, name)


def scenes(config: "Config") -> Iterator[str]:
    """Yield scenes that nothing makes a mask of."""
    for name, scene in config.scene_sample.scenes.items():
        if scene.mask is None and name not in config.scene_mask.scenes:
            yield f"scene_sample.scenes.{name}: no mask; give it, or ask scene_mask.scenes for one"


def planned(config: "Config", name: str, known: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with the class mixes that a generator is asked for."""
    for mix, goal in config.plan_of(name).mixes.items():
        asked = set(goal.boost) | {c for row in goal.rows() for c in row}
        if wrong := sorted(asked - set(known)):
            yield f"plan.mixes.{mix}: no class is called {', '.join(wrong)}"
            continue
        for row in goal.rows():
            try:
                check_pixels(row, config.tile.size)
                if row in goal.table:
                    check_complete(row, known)
            except ValueError as error:
                yield f"plan.mixes.{mix}: {error}"


def rows(config: "Config", name: str) -> Iterator[str]:
    """Yield what is wrong with a row of the table of mask generators."""
    made = typing.cast(LabelSampleConfig, config.section("label_sample", name))
    if made.source in ("real", "predicted"):
        table, own = name.split("/")
        yield (
            f"{table}.generators.{own}.label_sample.source: the table compares new masks; remove it, "
            "real masks stand in the table anyway"
        )


def sources(config: "Config", name: str) -> Iterator[str]:
    """Yield what masks and images of a generator need and do not have, and judges that are none."""
    masks = typing.cast(LabelSampleConfig, config.section("label_sample", name)).source
    images = typing.cast(ImageSampleConfig, config.section("image_sample", name)).source
    adapted = typing.cast(LabelTrainConfig, config.section("label_train", name)).backend == "lora"
    if masks == "model" and adapted and not config.base.masks:
        yield (
            f"base.masks: is false, but the masks of generator '{name}' come from a LoRA on it; "
            "set it to true, or label_train.backend to 'categorical'"
        )
    if masks in ("model", "repaint", "layout") and images == "real":
        yield (
            f"generators.{name}: image_sample.source 'real' needs masks that bring an image; "
            "label_sample.source must be 'quilt', 'paste', 'real' or 'predicted'"
        )
    asked = typing.cast(CurateConfig, config.section("curate", name))
    if asked.network is not None and asked.network not in config.segment.networks:
        yield f"curate.network: '{asked.network}' is not one of segment.networks"
    if asked.detector is not None and asked.detector not in config.detect.networks:
        yield f"curate.detector: '{asked.detector}' is not one of detect.networks"
