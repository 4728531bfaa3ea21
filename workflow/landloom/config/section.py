"""The base of every config section: unknown keys are errors, and values do not change after loading."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A config section."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
