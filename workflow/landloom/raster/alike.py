"""Do scenes store their bands in the same way? Values are read as they are stored, whatever a tag says."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from landloom.raster.bands import Band


@dataclass(frozen=True)
class Storage:
    """How a scene stores the bands that are read.

    Attributes:
        file: the first image file.
        names: description of each band, or its colour when it has none, in small letters.
        units: scale and offset of each band, which turn stored values into measurements.
    """

    file: str
    names: tuple[str, ...]
    units: tuple[tuple[float, float], ...]


def storage(bands: Sequence[Band]) -> Storage:
    """How the bands of one scene are stored."""
    names, units = [], []
    for file, i in ((b.file, b.number - 1) for b in bands):
        names.append((file.descriptions[i] or file.colorinterp[i].name).strip().lower())
        units.append((file.scales[i], file.offsets[i]))
    return Storage(bands[0].file.name, tuple(names), tuple(units))


def doubts(scenes: Sequence[Storage]) -> list[str]:
    """Say which scenes seem to store other values than most: bands in another order, or in other units."""
    if not scenes:
        return []
    names = Counter(s.names for s in scenes).most_common(1)[0][0]
    units = Counter(s.units for s in scenes).most_common(1)[0][0]
    said = []
    # Other names may be another way to write the same; the same names in another order are not.
    if moved := [s for s in scenes if s.names != names and sorted(s.names) == sorted(names)]:
        said.append(
            f"{len(moved)} scenes have their bands in another order, such as {moved[0].file} with "
            f"{', '.join(moved[0].names)}, where most have {', '.join(names)}: write all in one order"
        )
    if other := [s for s in scenes if s.units != units]:
        said.append(
            f"{len(other)} scenes, such as {other[0].file}, have another scale or offset than most: values "
            "are read as stored, so the same value means something else there (gdal_translate -unscale)"
        )
    return said
