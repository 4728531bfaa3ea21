"""Scenes larger than a tile: whose job reads which settings. No heavy imports: every job parses this."""

from landloom.config import Config
from landloom.config.scene_sample import SceneSampleConfig


def section(config: Config, scene: str) -> SceneSampleConfig:
    """The settings of one scene: one more scene must not run the others again."""
    asked = config.scene_sample
    return asked.model_copy(update={"scenes": {scene: asked.scenes[scene]}})


def expected(config: Config) -> dict[str, SceneSampleConfig]:
    """Settings of all scenes, by the name that ``lineage.key`` gives them."""
    return {f"scenes/{n}/scene_sample": section(config, n) for n in config.scene_sample.scenes}
