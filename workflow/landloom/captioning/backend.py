"""The small interface behind which a model writes captions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Question:
    """A picture (H, W, 3), 8-bit RGB, and what is asked about it.

    Attributes:
        stored: the same pixels as the tile holds them. They name the answer if given: a stretch moves a
            little with each new scene, and that must not ask for all captions again.
    """

    picture: NDArray[np.uint8]
    prompt: str
    stored: NDArray[Any] | None = None


@dataclass(frozen=True)
class Answer:
    """What a model said, and what it took.

    Attributes:
        text: the answer as it came.
        input_tokens: tokens read; 0 when the server does not say.
        output_tokens: tokens written.
        complete: whether it ended by itself, and not at the limit.
    """

    text: str
    input_tokens: int = 0
    output_tokens: int = 0
    complete: bool = True


Save = Callable[[int, Answer], None]
Stopped = Callable[[], bool]


class Captioner(Protocol):
    """A model that answers questions about pictures."""

    identity: str
    """Model and settings: another identity means other answers."""

    def ask(self, questions: Sequence[Question], save: Save, stopped: Stopped) -> None:
        """Answer all questions, in any order; each answer is saved, by its number, as soon as it is there.

        Raises:
            InputError: the model cannot be had or does not answer; what was saved stays good.
            Interrupted: ``stopped`` said so; what was under way has been saved.
        """
        ...

    def close(self) -> None:
        """Give back what asking took; no question comes after it."""
        ...
