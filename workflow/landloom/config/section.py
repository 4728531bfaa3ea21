"""The base of every config section: unknown keys are errors, and values do not change after loading."""

import re
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""Names that the user chooses; they stand in paths, whose parts have 255 characters at most."""

Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""What all generators of random numbers take; it stands in paths, too."""


class Section(BaseModel):
    """A config section."""

    # JSON has no NaN and no infinity: a stage would get null, which means that a key was left out.
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    def read(self) -> Self:
        """The same, with defaults for what these settings leave unread: a change there must redo nothing."""
        return self

    @property
    def cpus(self) -> int:
        """CPU threads of a job with these settings; the same on every machine, for the same bits."""
        return 1

    @property
    def gpus(self) -> int:
        """GPUs that a job with these settings works on, where there are any."""
        return 0


class NetworkSection(Section):
    """Settings of a stage that asks a network without training it."""

    @property
    def cpus(self) -> int:
        """Two."""
        return 2

    @property
    def gpus(self) -> int:
        """One."""
        return 1
