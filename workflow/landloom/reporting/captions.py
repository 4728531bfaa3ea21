"""The captions of the tiles: some beside their pictures, their length, repeats, fallbacks and tokens."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from landloom.data import samples, stored_tables
from landloom.reporting import gather
from landloom.reporting.pictures import Thumbnails
from landloom.runtime.reading import object_of

REPEATED = 5  # captions in the list of those that several tiles share
FALLBACKS = 0.25  # most of the shown captions that may be fallbacks, drawn first
AUTHORS = {"model": "model", "template": "template", "fallback": "template, in place of the model"}


@dataclass(frozen=True)
class Captions:
    """All captions of a dataset by tile, and the summaries of its scenes."""

    texts: dict[str, str]
    summaries: list[dict[str, Any]]

    @cached_property
    def tiles(self) -> dict[str, dict[str, Any]]:
        """Author ('by') and tokens of each tile's caption."""
        return {name: tile for s in self.summaries for name, tile in s["tiles"].items()}

    def total(self, field: str) -> int:
        """Sum of a field over the scenes."""
        return sum(s[field] for s in self.summaries)

    def usage(self, field: str) -> float:
        """Sum of a field of the usage over the scenes."""
        return sum(s["usage"][field] for s in self.summaries)


def read(captions: Sequence[Path], summaries: Sequence[Path]) -> Captions:
    """Read the tables and summaries that the caption stage wrote."""
    texts: dict[str, str] = {}
    for path in captions:
        texts |= {row["id"]: row["caption"] for row in stored_tables.rows(path, ["id", "caption"])}
    return Captions(texts, [object_of(p) for p in summaries])


def section(
    captions: Captions, tiles: Sequence[Path], count: int, thumbnails: Thumbnails
) -> dict[str, Any] | None:
    """Values of the page's part about captions; None without captions."""
    if not captions.summaries:
        return None
    first = captions.summaries[0]
    models = sorted({s["model"] for s in captions.summaries} - {""})
    return {
        "backend": first["backend"],
        "models": models,
        "facts": facts(captions),
        "counter": first["counter"],
        "repeated": [(t, n) for t, n in Counter(captions.texts.values()).most_common(REPEATED) if n > 1],
        "shown": shown(captions, tiles, count, thumbnails),
    }


def facts(captions: Captions) -> list[tuple[str, str]]:
    """Counts, as names and values."""
    tokens = [t["tokens"] for t in captions.tiles.values()]
    distinct, total = len(set(captions.texts.values())), len(captions.texts)
    mean = sum(tokens) / max(len(tokens), 1)
    found = [
        ("captions", f"{total}"),
        ("distinct captions", f"{distinct} ({100 * distinct / max(total, 1):.0f} %)"),
        ("tokens: mean / longest / limit", f"{mean:.1f} / {max(tokens, default=0)} / {_limit(captions)}"),
        ("longer than the limit", f"{captions.total('over_limit')}"),
    ]
    if captions.usage("answers"):
        found += [
            ("written by the model", f"{captions.total('by_model')}"),
            ("asked a second time", f"{captions.total('asked_again')}"),
            ("template in place of the model", f"{captions.total('fallback')}"),
            ("tokens read / written", _pair(captions)),
        ]
    return found


def _limit(captions: Captions) -> int:
    return int(captions.summaries[0]["limit"])


def _pair(captions: Captions) -> str:
    return " / ".join(f"{captions.usage(f'{kind}_tokens'):.0f}" for kind in ("input", "output"))


def shown(
    captions: Captions, tiles: Sequence[Path], count: int, thumbnails: Thumbnails
) -> list[dict[str, Any]]:
    """Draw train tiles with their captions; a few fallbacks are always among them, if there are any."""
    places: dict[str, Path] = {}
    for path in tiles:
        table = samples.columns([path], ["id", "split"])
        places |= {i: path for i, s in zip(*table.values(), strict=True) if s == "train"}
    names = [n for n in sorted(places) if n in captions.tiles]
    author = {n: captions.tiles[n]["by"] for n in names}
    random.Random(len(names)).shuffle(names)
    failed = [n for n in names if author[n] == "fallback"][: int(count * FALLBACKS)]
    chosen = sorted([*failed, *(n for n in names if n not in failed)][:count])
    loaded = gather.load((places[n], n) for n in chosen)
    return [
        captions.tiles[n]
        | {
            "id": n,
            "author": AUTHORS[author[n]],
            "text": captions.texts[n],
            "image": thumbnails.image(loaded[places[n], n]),
        }
        for n in chosen
    ]
