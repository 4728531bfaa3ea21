"""Whether a copy of a public data set has the scenes and class shares that its authors state."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping

from landloom.config.check import Published


def differences(
    stated: Published | None,
    splits: Mapping[str, str],
    pixels: Mapping[str, Mapping[str, int]],
    looked: tuple[int, float] = (1, 1.0),
) -> Iterator[str]:
    """Yield a sentence for each number that differs.

    Args:
        stated: numbers of the authors; None states nothing.
        splits: the split of each scene by its name.
        pixels: of each class by split; without any, shares are not compared.
        looked: at how many scenes, and at which share of all pixels. A part of them may differ by chance.
    """
    if stated is None:
        return
    yield from _scenes(stated, Counter(splits.values()))
    by = {name: sum(counts.values()) for name, counts in pixels.items()}
    if total := sum(by.values()):
        yield from _shares(stated, {name: count / total for name, count in by.items()}, *looked)


def _scenes(stated: Published, found: Counter[str]) -> Iterator[str]:
    for splits, number in stated.scenes.items():
        here = sum(found[s] for s in splits.split("+"))
        if here != number:
            side = f"{number - here} missing" if here < number else f"{here - number} too many"
            yield (
                f"{stated.source} states {number} scenes in {splits}, found {here}: {side}; compare the "
                "folders with the original, and data.split with check.published"
            )


def _shares(stated: Published, found: Mapping[str, float], scenes: int, part: float) -> Iterator[str]:
    for name, share in stated.shares.items():
        here = found.get(name, 0.0)
        chance = 3 * math.sqrt(
            share * (1 - share) * (1 - part) / scenes
        )  # as if a scene were all of one class
        if abs(here - share) > stated.tolerance + chance:
            yield (
                f"{stated.source} states {100 * share:.3g} % '{name}', found {100 * here:.3g} %: the "
                "values of the class may be others here, or scenes are missing"
            )
