"""Scenes larger than a tile: whose job reads what. No heavy imports: every job parses this."""

import shlex
from typing import TYPE_CHECKING, Any

from landloom.config import Config
from landloom.config.scene_mask import SceneMaskConfig
from landloom.config.section import Section

if TYPE_CHECKING:
    from landloom.orchestration.dag import Dag


class WholeScenes:
    """What a run knows of scenes that are to be made.

    Args:
        dag: the run.
    """

    def __init__(self, dag: "Dag") -> None:
        self.dag = dag

    def masks(self) -> list[str]:
        """Masks that are quilted, with the dataset left as a wildcard."""
        return [f"results/{{dataset}}/scene_masks/{n}.mask.tif" for n in self.dag.config.scene_mask.scenes]

    def images(self) -> list[str]:
        """Images, of each generator that can make them, with the dataset left as a wildcard."""
        root, names = "results/{dataset}", self.dag.config.scene_sample.scenes
        return [
            f"{root}/{g}/scenes/{n}.image.tif" for g in self.dag.generators for n in names
            if self.dag.trained.paints(g, n)
        ]  # fmt: skip

    def shown(self, wildcards: Any) -> list[str]:
        """Images of all scenes, quilted and generated, which the report of the run itself shows."""
        if wildcards.dataset != self.dag.config.dataset:
            return []
        masks = [p.removesuffix(".mask.tif") + ".image.tif" for p in self.masks()]
        return self.dag.own([*masks, *self.images()])

    def shown_masks(self, wildcards: Any) -> list[str]:
        """The mask of each of them."""
        return [p.removesuffix(".image.tif") + ".mask.tif" for p in self.shown(wildcards)]

    def parts(self, wildcards: Any) -> list[str]:
        """Images of the shards of a scene; none if one job makes it."""
        count = self.dag.config.scene_sample.scenes[wildcards.canvas].shards
        root = f"results/{wildcards.dataset}/{wildcards.generator}/scene_parts/{wildcards.canvas}"
        return [f"{root}/{i}.image.tif" for i in range(count)] if count > 1 else []

    def joined(self, wildcards: Any) -> dict[str, list[str]]:
        """What the job that ends with a scene reads: its shards, or what sampling it needs."""
        if not (parts := self.parts(wildcards)):
            return self.dag.trained.scene_inputs(wildcards)
        given = sources(self.dag.config, wildcards.canvas, wildcards.dataset)
        return {"parts": parts} | {k: [v] for k, v in given.items()}

    def given(self, wildcards: Any) -> list[str]:
        """What the user gives of scenes that the run itself makes, which its check reads."""
        return files(self.dag.config) if wildcards.dataset == self.dag.config.dataset else []

    def check_words(self, wildcards: Any) -> str:
        """Options of the check that name those scenes; none where nothing is given."""
        own = wildcards.dataset == self.dag.config.dataset
        if not own or not (self.given(wildcards) or self.dag.config.scene_mask.scenes):
            return ""
        sections = {"drawn": self.dag.config.scene_mask, "asked": self.dag.config.scene_sample}
        texts = {k: s.model_dump_json(exclude_defaults=True) for k, s in sections.items()}
        return " ".join(f"--{k} {shlex.quote(self.dag.lists.text(k, t))}" for k, t in texts.items())

    def ratios(self, wildcards: Any) -> list[str]:
        """The file with class shares that the mask of a scene follows, if there is one."""
        found = self.dag.config.scene_mask.scenes[wildcards.drawn].ratios
        return [found] if isinstance(found, str) else []

    def ratios_words(self, wildcards: Any) -> str:
        """The option that names it; nothing without one."""
        return f"--ratios {shlex.join(found)}" if (found := self.ratios(wildcards)) else ""


def named(stage: str, wildcards: Any) -> str | None:
    """The scene that a job of a stage makes; None of other stages."""
    return {"scene_mask": wildcards.get("drawn"), "scene_sample": wildcards.get("canvas")}.get(stage)


def section(config: Config, stage: str, scene: str) -> Section:
    """The settings of one scene: one more scene must not run the others again."""
    if stage == "scene_mask":
        return SceneMaskConfig(scenes={scene: config.scene_mask.scenes[scene]})
    asked = config.scene_sample
    return asked.model_copy(update={"scenes": {scene: asked.scenes[scene]}})


def expected(config: Config) -> dict[str, Section]:
    """Settings of all scenes, by the name that ``lineage.key`` gives them."""
    masks = {
        f"scene_masks/{n}/scene_mask": section(config, "scene_mask", n) for n in config.scene_mask.scenes
    }
    names = config.scene_sample.scenes
    return masks | {f"scenes/{n}/scene_sample": section(config, "scene_sample", n) for n in names}


def files(config: Config) -> list[str]:
    """What a user gives of scenes that are to be made: masks, images, and shares of blocks."""
    given = [f for scene in config.scene_sample.scenes.values() for f in (scene.mask, scene.image)]
    shares = [scene.ratios for scene in config.scene_mask.scenes.values()]
    return [f for f in (*given, *shares) if isinstance(f, str)]


def sources(config: Config, name: str, dataset: str) -> dict[str, str]:
    """Mask and image that a scene starts from: those that the user gives, or those of its quilted mask."""
    scene, root = config.scene_sample.scenes[name], f"results/{dataset}/scene_masks/{name}"
    if scene.mask is None:
        return {"mask": f"{root}.mask.tif", "image": scene.image or f"{root}.image.tif"}
    return {"mask": scene.mask} | ({"image": scene.image} if scene.image else {})
