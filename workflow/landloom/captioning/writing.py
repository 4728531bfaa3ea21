"""From tiles to captions: ask, look at what came, ask once more, fall back if the config allows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from landloom.captioning.backend import Answer, Captioner, Question, Stopped
from landloom.captioning.quality import clean, problem
from landloom.captioning.store import Store, key
from landloom.captioning.tokens import Count
from landloom.conditions.words import describe, image_caption
from landloom.config.caption import CaptionConfig, Language
from landloom.data.samples import Sample
from landloom.data.statistics import Statistics
from landloom.errors import InputError

CHUNK = 256  # tiles in memory at once
LANGUAGES: dict[Language, str] = {
    "en": "English", "de": "German", "es": "Spanish", "fr": "French", "it": "Italian", "nl": "Dutch",
    "pl": "Polish", "pt": "Portuguese", "ru": "Russian", "zh": "Chinese", "ja": "Japanese", "ko": "Korean",
}  # fmt: skip
Author = Literal["model", "template", "fallback"]


@dataclass(frozen=True)
class Caption:
    """The caption of a tile.

    Attributes:
        id: the tile.
        text: the caption.
        by: who wrote it; 'fallback' is the template in place of an answer that was not good twice.
        answers: keys of the answers it took, in the store.
    """

    id: str
    text: str
    by: Author
    answers: tuple[str, ...] = ()


class Writer:
    """Writes the captions of one scene with a model."""

    def __init__(
        self, config: CaptionConfig, statistics: Statistics, captioner: Captioner, store: Store, count: Count,
        stopped: Stopped,
    ) -> None:  # fmt: skip
        self.config, self.statistics, self.captioner, self.store = config, statistics, captioner, store
        self.count, self.stopped = count, stopped

    def write(self, tiles: Iterable[Sample]) -> Iterator[Caption]:
        """Caption tiles in their order.

        Raises:
            InputError: the model does not answer, or an answer is not good twice and nothing may stand in.
            Interrupted: the job was told to stop.
        """
        rest = iter(tiles)
        while part := list(islice(rest, CHUNK)):
            made = self._by_model([t for t in part if t.split in self.config.splits])
            for tile in part:
                yield made.get(tile.id) or Caption(tile.id, self._template(tile), "template")

    def _by_model(self, tiles: Sequence[Sample]) -> dict[str, Caption]:
        first = self._ask(tiles, self.config.prompt, 1.0)
        weak = [t for t, k in zip(tiles, first, strict=True) if self._problem(k)]
        second = dict(zip((t.id for t in weak), self._ask(weak, self.config.stricter, 2 / 3), strict=True))
        bad = [(t, k) for t in weak if self._problem(k := second[t.id])]
        if bad and self.config.fallback == "error":
            raise self._refuse(*bad[0], len(bad))
        failed = {t.id for t, _ in bad}
        pairs = zip(tiles, first, strict=True)
        return {t.id: self._caption(t, k, second.get(t.id), failed) for t, k in pairs}

    def _caption(self, tile: Sample, first: str, second: str | None, failed: set[str]) -> Caption:
        keys = (first,) if second is None else (first, second)
        if tile.id in failed:
            return Caption(tile.id, self._template(tile), "fallback", keys)
        return Caption(tile.id, clean(self.store[keys[-1]].text), "model", keys)

    def _ask(self, tiles: Sequence[Sample], prompt: str, share: float) -> list[str]:
        """Keys of the answers to a prompt; what the store knows, or what is asked twice, is asked once."""
        questions = [self._question(t, self._prompt(prompt, t.ratios, share)) for t in tiles]
        keys = [key(q, self.captioner.identity) for q in questions]
        new = {k: q for k, q in zip(keys, questions, strict=True) if k not in self.store}
        order = list(new)

        def save(number: int, answer: Answer) -> None:
            self.store.add(order[number], answer)

        if order:
            self.captioner.ask([new[k] for k in order], save, self.stopped)
        return keys

    def _question(self, tile: Sample, prompt: str) -> Question:
        image = tile.image_array()
        return Question(self.statistics.preview(image), prompt, image[self.statistics.rgb])

    def _prompt(self, prompt: str, ratios: Sequence[float], share: float) -> str:
        return prompt.format(
            ratios=describe(ratios, self.statistics.names, self.config),
            classes=", ".join(self.statistics.names),
            language=LANGUAGES[self.config.language],
            words=words(self.config.limit, share),
        )

    def _template(self, tile: Sample) -> str:
        return image_caption(tile.ratios, self.statistics.names, self.config) if tile.ratios else ""

    def _problem(self, answer: str) -> str | None:
        return problem(self.store[answer], self.config, self.count)

    def _refuse(self, tile: Sample, answer: str, count: int) -> InputError:
        said = self.store[answer].text.strip()[:200]
        found = f"no good caption after two tries ({self._problem(answer)}): '{said}'"
        found += f"; {count - 1} more tiles beside it" if count > 1 else ""
        remedy = "Change caption.prompt or caption.stricter, or set caption.fallback: template"
        return InputError(f"tile {tile.id}", found, remedy)


def words(limit: int, share: float) -> int:
    """Words that fit a limit of tokens: six in ten, for longer words and signs take several."""
    return max(1, int(0.6 * (limit - 2) * share))
