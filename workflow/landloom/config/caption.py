"""``caption``: words for tiles."""

import string
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from landloom.config.section import Section


def _template(value: str) -> str:
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(value) if name is not None}
    except ValueError as error:
        raise ValueError(f"'{value}' is not a template ({error}); write a real brace as '{{{{'") from None
    if wrong := sorted(fields - {"ratios"}):
        raise ValueError(f"'{value}' may hold {{ratios}} only, not {', '.join(f'{{{w}}}' for w in wrong)}")
    return value


Template = Annotated[str, AfterValidator(_template)]


class CaptionConfig(Section):
    """Settings of the captions and prompts."""

    backend: Literal["template"] = "template"
    """Who writes the captions: 'template' writes them from the class ratios."""
    image_template: Template = "satellite image, {ratios}"
    """Caption of an image; {ratios} becomes the class mix, largest class first."""
    mask_template: Template = "segmentation map, {ratios}"
    """Prompt of a mask."""
    step: int = Field(default=1, ge=1, le=50)
    """Percentages are rounded to multiples of this."""
    smallest: float = Field(default=0.005, ge=0, lt=1)
    """Classes below this share are not mentioned."""
