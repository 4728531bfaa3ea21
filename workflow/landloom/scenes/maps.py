"""Which file holds the map of a scene. Standard library only: the Snakefile imports this."""

from pathlib import Path

from landloom.config.map import SCENE, MapSourceConfig
from landloom.scenes.patterns import inside


def source(config: MapSourceConfig, scene: str) -> Path | None:
    """The file of a scene's map; None where a pattern finds none, so that nothing is known of it."""
    if SCENE not in config.source:
        return Path(config.source)
    path = Path(config.source.replace(SCENE, inside(scene, config.source)))
    return path if path.exists() else None
