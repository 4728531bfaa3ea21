"""A look at the coarse levels of scenes before any tile is cut."""

from collections.abc import Sequence

from landloom.config.data import DataConfig
from landloom.config.tile import TileConfig
from landloom.errors import Findings, InputError
from landloom.raster.survey import SceneFacts
from landloom.raster.windows import tiles


def look(facts: Sequence[SceneFacts], data: DataConfig, tile: TileConfig) -> Findings:
    """Problems and warnings of ``tile.scales``: levels without a train tile, scenes without one at a level.

    Scenes whose ground sampling distance is known do not go with others, which are measured in their own
    pixels: a model would take these for metres.
    """
    coarse = [s for s in tile.scales if s > 1]
    if not facts or not coarse:
        return Findings()
    problems, warnings = [], []
    for scale in coarse:
        cut = {f.files.name: tiles(f.areas, tile, data.split.buffer, scale) for f in facts}
        side = f"of {tile.size * scale} pixels of the scene"
        unit = "block" if data.split.by == "block" else "scene"
        if not any(label == "train" for found in cut.values() for label, _ in found):
            remedy = "Leave this scale out, use a smaller tile.size"
            remedy += ", or a larger data.split.block" if unit == "block" else ", or give larger scenes"
            found = f"no {unit} of train holds a tile of scale {scale}, {side}"
            problems.append(InputError("tile.scales", found, remedy))
        elif small := [name for name, found in cut.items() if not found]:
            said = f"{len(small)} scenes have no tile of scale {scale}, {side}, such as '{small[0]}'"
            warnings.append(said)
    lacking = [f.files.name for f in facts if f.gsd is None]
    if lacking and len(lacking) < len(facts):
        found = (
            f"{len(lacking)} scenes have no ground sampling distance, such as '{lacking[0]}', others have one"
        )
        remedy = "Give it in the manifest or data.scenes (gsd), or set data.crs"
        problems.append(InputError("tile.scales", found, remedy))
    return Findings(problems, warnings)
