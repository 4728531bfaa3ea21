"""The base of every config section: unknown keys are errors, and values do not change after loading."""

import re

from pydantic import BaseModel, ConfigDict

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""Names that the user chooses; they stand in paths and notes."""


class Section(BaseModel):
    """A config section."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
