"""Trained models of generators: what they learn from, where they lie, which of them sampling needs."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from landloom.config import Config, constraints
from landloom.config.image_sample import ImageSampleConfig
from landloom.errors import InputError
from landloom.orchestration import scenes
from landloom.runtime.argument_files import Lists

Options = Callable[[Any], dict[str, list[str]]]
"""Files by option of the command line, for the wildcards of a job."""


class TrainedModels:
    """The models of one config's generators.

    Args:
        config: the config.
        parts: names of tile shards.
        judge: the network that scores pairs, for wildcards.
        levels: names of tile shards of all scales.
    """

    def __init__(
        self, config: Config, parts: Iterable[str], judge: Callable[[Any], str], levels: Iterable[str] = ()
    ) -> None:
        self.config, self.parts, self.judge = config, list(parts), judge
        self.levels = list(levels) or self.parts
        self.root = f"results/{config.dataset}"

    def setting(self, generator: str, stage: str, field: str) -> Any:
        """A field of a generator's section."""
        return self.config.section(stage, generator).model_dump()[field]

    def samples(self, stage: str, generator: str) -> bool:
        """Whether a sampling stage asks a model, rather than taking or cutting real tiles."""
        return bool(self.setting(generator, stage, "source") == "model")

    def real(self, stage: str, generator: str) -> bool:
        """Whether a sampling stage takes real tiles as they are."""
        return bool(self.setting(generator, stage, "source") == "real")

    def predicted(self, generator: str) -> bool:
        """Whether a generator takes masks that a network predicts of real tiles without labels."""
        return bool(self.setting(generator, "label_sample", "source") == "predicted")

    def owner(self, generator: str, kind: str) -> str:
        """Whose model of a kind (label, image) a generator takes.

        It is the first generator with the same settings, so that none is trained twice.
        """
        section = self.config.section(f"{kind}_train", generator)
        known = self.config.all_generators if kind == "label" else self.config.generators
        trained = (g for g in known if self.samples(f"{kind}_sample", g))
        return next((g for g in trained if self.config.section(f"{kind}_train", g) == section), generator)

    def categorical(self, generator: str) -> bool:
        """Whether a generator's masks come from the back-end that needs no base."""
        return bool(self.setting(self.owner(generator, "label"), "label_train", "backend") == "categorical")

    def translates(self, generator: str) -> bool:
        """Whether a generator's images come from the back-end that needs no base."""
        return bool(self.setting(generator, "image_train", "backend") != "controlnet")

    def label_data(self, wildcards: Any) -> dict[str, list[str]]:
        """What a label generator learns from.

        Raises:
            InputError: a LoRA shall learn from a base that knows no masks.
        """
        alone = self.categorical(wildcards.generator)
        if not alone and not self.config.base.masks:
            found = f"is false, but the masks of {wildcards.generator} come from a LoRA on the base"
            raise InputError("base.masks", found, "Set it to true, or label_train.backend to 'categorical'")
        return self._data("label", wildcards, alone)

    def image_data(self, wildcards: Any) -> dict[str, list[str]]:
        """What an image generator learns from.

        Raises:
            InputError: the model that it shall begin from is nowhere.
        """
        data = self._data("image", wildcards, self.translates(wildcards.generator))
        start = self.setting(wildcards.generator, "image_train", "start")
        if start is None or self.translates(wildcards.generator):
            return data
        made = {f"{self.root}/{g}/image" for g in self.config.generators if g != wildcards.generator}
        if start not in made and not Path(start, "config.json").is_file():
            remedy = "Give the folder of a trained ControlNet, or the image folder of another generator here"
            raise InputError("image_train.start", f"{start} holds no config.json", remedy)
        return data | {"start": [start]}

    def _data(self, kind: str, wildcards: Any, alone: bool) -> dict[str, list[str]]:
        root = f"results/{wildcards.dataset}"
        if alone:
            return {"tiles": [f"{root}/tiles/{s}.parquet" for s in self.parts]}
        # What is not told the scale of a tile would mix them.
        told = self.setting(wildcards.generator, f"{kind}_train", "metadata") is not None
        latents = [f"{root}/latents/{s}.safetensors" for s in (self.levels if told else self.parts)]
        return {"base": [f"{root}/base"], "latents": latents}

    def label_models(self, wildcards: Any) -> dict[str, list[str]]:
        """What sampling masks needs: a model, or the judge that predicts; nothing when it takes real masks.

        Raises:
            InputError: a default row of the label table does not go with the config.
        """
        if found := next(constraints.problems(self.config, wildcards.generator), None):
            raise InputError(wildcards.generator, found, "Or give label_table.generators of your own")
        generator, root = wildcards.generator, f"results/{wildcards.dataset}"
        if self.predicted(generator):
            return {"judge": [self.judge(wildcards)]}
        if not self.samples("label_sample", generator):
            return {}
        model = {"model": [f"{root}/{self.owner(generator, 'label')}/label"]}
        return model if self.categorical(generator) else {"base": [f"{root}/base"]} | model

    def image_models(self, wildcards: Any) -> dict[str, list[str]]:
        """What sampling images needs; nothing when it takes real images."""
        generator, root = wildcards.generator, f"results/{wildcards.dataset}"
        found = (
            {"tiles": [f"{root}/tiles/{s}.parquet" for s in self.parts]} if self.collaged(generator) else {}
        )
        if not self.samples("image_sample", generator):
            return found
        model = [f"{root}/{self.owner(generator, 'image')}/image"]
        if self.translates(generator):
            return {"translator": model}
        feedback = self.setting(generator, "image_sample", "feedback")["weight"]
        judge = {"judge": [self.judge(wildcards)]} if feedback else {}
        return found | {"base": [f"{root}/base"], "controlnet": model} | judge

    def paints(self, generator: str, scene: str) -> bool:
        """Whether a generator makes a scene: by a ControlNet, from noise or from the scene's own image."""
        if not self.samples("image_sample", generator) or self.translates(generator):
            return False
        strength = self.setting(generator, "image_sample", "collage")["strength"]
        return bool(strength == 1 or "image" in scenes.sources(self.config, scene, self.config.dataset))

    def scene_inputs(self, wildcards: Any) -> dict[str, list[str]]:
        """What sampling a scene needs: the models of images, a mask, and an image if there is one."""
        found = {k: v for k, v in self.image_models(wildcards).items() if k != "tiles"}
        given = scenes.sources(self.config, wildcards.canvas, wildcards.dataset)
        return found | {k: [v] for k, v in given.items()}

    def collaged(self, generator: str) -> bool:
        """Whether a generator's images are, or start from, pieces that are chosen from real tiles."""
        section = self.config.section("image_sample", generator)
        assert isinstance(section, ImageSampleConfig)
        return section.cuts and section.collage.source == "others"

    def metrics(self) -> list[str]:
        """Metrics files of all trainings of generators and of their base, with the dataset as a wildcard."""
        base = [f"results/{{dataset}}/base.{part}.metrics.jsonl" for part in ("vae", "unet")]
        found = base if self.config.base.source == "scratch" and self.based() else []
        for g in self.config.generators:
            for kind in ("label", "image"):
                if self.samples(f"{kind}_sample", g):
                    found.append(f"results/{{dataset}}/{self.owner(g, kind)}/{kind}.metrics.jsonl")
        return list(dict.fromkeys(found))

    def based(self) -> bool:
        """Whether any generator stands on the base."""
        return any(
            (self.samples("label_sample", g) and not self.categorical(g))
            or (self.samples("image_sample", g) and not self.translates(g))
            for g in self.config.generators
        )

    def synthetic(self, generator: str) -> bool:
        """Whether a generator makes new images, rather than repeating those of real tiles."""
        return not self.real("image_sample", generator)


def files(options: Options) -> Callable[[Any], list[str]]:
    """The files alone, as inputs of a rule."""

    def paths(wildcards: Any) -> list[str]:
        return [p for found in options(wildcards).values() for p in found]

    return paths


def words(options: Options, lists: Lists) -> Callable[[Any], str]:
    """Options and files as words of the command line."""

    def text(wildcards: Any) -> str:
        given = options(wildcards).items()
        return " ".join(f"--{name} {lists.words(name, paths)}" for name, paths in given)

    return text
