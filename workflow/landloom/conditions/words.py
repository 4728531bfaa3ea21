"""Words for a class mix: captions of images and prompts of masks."""

import math
from collections.abc import Sequence

from landloom.config.caption import Words


def describe(ratios: Sequence[float], names: Sequence[str], config: Words) -> str:
    """Class mix in words, largest class first: '45% forest, 30% developed, 1% water'.

    Args:
        ratios: share of each class (K,), 0 to 1.
        names: class names (K,).
        config: rounding step, and the share below which a class is left out.

    Returns:
        The classes that are mentioned, each with at least one step; empty when there is none.
    """
    pairs = [(r, n) for r, n in zip(ratios, names, strict=True) if r > 0 and r >= config.smallest]
    pairs.sort(key=lambda pair: -pair[0])  # stable: equal shares keep the order of the classes
    return ", ".join(f"{percent(r, config.step)}% {n}" for r, n in pairs)


def percent(ratio: float, step: int) -> int:
    """Share as a whole percentage, rounded to a multiple of ``step``, never 0."""
    return step * max(1, math.floor(100 * ratio / step + 0.5))


def image_caption(ratios: Sequence[float], names: Sequence[str], config: Words) -> str:
    """Caption of an image with this class mix."""
    return _fill(config.image_template, describe(ratios, names, config))


def mask_prompt(ratios: Sequence[float], names: Sequence[str], config: Words) -> str:
    """Prompt of a mask with this class mix."""
    return _fill(config.mask_template, describe(ratios, names, config))


def _fill(template: str, mix: str) -> str:
    text = template.format(ratios=mix)
    return text if mix else text.strip(" ,")  # nothing to mention: no dangling comma
