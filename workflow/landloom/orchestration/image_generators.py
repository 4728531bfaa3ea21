"""Trained image generators of a run, for commands that use one outside of the workflow."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from landloom.config import Config, load
from landloom.config.image_sample import ImageSampleConfig
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.orchestration import config_files
from landloom.orchestration.trained_models import TrainedModels
from landloom.runtime import command_line
from landloom.runtime.importing import importing
from landloom.runtime.reading import object_of

if TYPE_CHECKING:
    from landloom.diffusion.images import DiffusionImages


@dataclass(frozen=True)
class ImageGenerator:
    """A trained ControlNet of a run, not loaded yet.

    Attributes:
        config: of the run.
        name: of the generator whose settings of sampling are taken.
        statistics: of the tiles that it learned from.
        base: folder of its base.
        folder: its own.
    """

    config: Config
    name: str
    statistics: Statistics
    base: Path
    folder: Path

    @property
    def conditions(self) -> dict[str, Any]:
        """What it was told in training, with the settings, by the name of the condition."""
        found: dict[str, Any] = object_of(self.folder / "conditions.json")
        return found

    @property
    def sampling(self) -> ImageSampleConfig:
        """How it samples."""
        return cast(ImageSampleConfig, self.config.section("image_sample", self.name))

    def load(self, batch: int) -> "DiffusionImages":
        """What makes images, ``batch`` at a time, from noise alone and without a judge."""
        with importing():
            from landloom.diffusion.images import DiffusionImages
        config = self.sampling.model_copy(update={"batch": batch})
        return DiffusionImages(config, self.statistics, self.base, self.folder, None)


def find(run: Path, configfiles: Sequence[Path], name: str | None, condition: str) -> ImageGenerator:
    """A generator that has learned a condition.

    Args:
        run: folder of the run's results.
        configfiles: of the run; config/config.yaml if there are none.
        name: of the generator; the first one when None.
        condition: what it must have learned.

    Raises:
        InputError: there is no such generator, it is not trained, or it has not learned the condition.
    """
    config = load(config_files.read(list(configfiles) or [Path("config/config.yaml")]))
    name = name or next(iter(config.generators))
    if name not in config.generators:
        raise InputError("--generator", f"'{name}' is none of {', '.join(config.generators)}", "Name one")
    models = TrainedModels(config, [], str)
    if models.translates(name) or not models.samples("image_sample", name):
        raise InputError("--generator", f"the images of '{name}' come from no ControlNet", "Name another")
    folder = run / models.owner(name, "image") / "image"
    places = {"statistics": run / "statistics.json", "base": run / "base", "image": folder}
    command_line.require({k: [p] for k, p in places.items()})
    found = ImageGenerator(config, name, Statistics.load(run / "statistics.json"), run / "base", folder)
    if condition not in found.conditions:
        told = f"has not learned {condition}, but {', '.join(found.conditions)}"
        remedy = f"Train one with image_train.{condition} and encode.{condition}"
        raise InputError(folder, told, remedy)
    return found
