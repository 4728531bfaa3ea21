"""Mask values that the config does not list, as one error for one mask or for many."""

from collections import Counter
from collections.abc import Sequence

from landloom.errors import InputError
from landloom.raster.labels import Legend, Mask

SHOWN = 8
"""Most values that a message lists."""
MANY = 64
"""With more unknown values than this they are no forgotten classes."""


class UnknownValues(InputError):
    """A mask holds values that the config does not list.

    Attributes:
        mask: name of the file.
        pixels: how often each value occurs.
        legend: what is listed.
        lossy: the file's compression changes values.
    """

    def __init__(self, file: Mask, pixels: Counter[float], legend: Legend) -> None:
        self.mask, self.pixels, self.legend, self.lossy = file.name, pixels, legend, lossy(file)
        super().__init__(f"{self.mask}, {_noun(legend)}", *_words([self]))


def merged(problems: Sequence[InputError]) -> list[InputError]:
    """The problems, with all masks that hold unknown values in one: a wrong guess strikes every mask."""
    strange = [p for p in problems if isinstance(p, UnknownValues)]
    if len(strange) < 2:
        return list(problems)
    groups = ([p for p in strange if p.lossy], [p for p in strange if not p.lossy])
    rest = [p for p in problems if p not in strange]
    return [*rest, *(_one(g) for g in groups if g)]


def _one(masks: Sequence[UnknownValues]) -> InputError:
    where = masks[0].mask + (f" and {len(masks) - 1} more" if len(masks) > 1 else "")
    return InputError(f"{where}, {_noun(masks[0].legend)}", *_words(masks))


def _noun(legend: Legend) -> str:
    return "mask colours" if legend.colors else "mask values"


def _words(masks: Sequence[UnknownValues]) -> tuple[str, str]:
    """What was found in masks, and what to do."""
    total: Counter[float] = sum((m.pixels for m in masks), Counter())
    legend = masks[0].legend
    if masks[0].lossy:
        return (
            f"{len(total)} are not in the config, and the file is compressed with loss (JPEG or the like), "
            "which changes labels at every edge",
            "Export the mask again without loss, as PNG or GeoTIFF; where only this file is left, set "
            "data.tolerance, and pixels take the listed value that is nearest to them",
        )
    shown = ", ".join(
        f"{legend.show(v)} ({n} pixels{_places(masks, v)})" for v, n in total.most_common(SHOWN)
    )
    if len(total) > MANY:
        return (
            f"{len(total)} are not in the config, such as {shown}",
            "So many are no classes: this may be an image, or a mask that was resampled without "
            "'nearest' or drawn with smooth edges; give the mask itself",
        )
    more = f" and {len(total) - SHOWN} more" if len(total) > SHOWN else ""
    remedy = "Add each to the values of a class under data.classes, or to data.ignore"
    return f"not in the config: {shown}{more}", remedy


def _places(masks: Sequence[UnknownValues], value: float) -> str:
    """In which of several masks a value is."""
    holders = [m.mask for m in masks if value in m.pixels]
    return f" in {len(holders)} masks, such as {holders[0]}" if len(masks) > 1 else ""


def lossy(file: Mask) -> bool:
    """Whether a file's compression changes values."""
    image = file.tags(ns="IMAGE_STRUCTURE")
    kinds = {image.get("COMPRESSION"), file.tags(1, ns="IMAGE_STRUCTURE").get("COMPRESSION")}
    changed = image.get("COMPRESSION_REVERSIBILITY", "").startswith("LOSSY") or any(
        float(image.get(key, 0)) > 0 for key in ("MAX_Z_ERROR", "MAX_Z_ERROR_OVERVIEW")
    )
    return changed or any("JPEG" in (k or "") and k != "JPEG2000" for k in kinds)
