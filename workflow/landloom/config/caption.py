"""``caption``: words for tiles."""

from typing import Literal

from pydantic import Field

from landloom.config.section import Section


class CaptionConfig(Section):
    """Settings of the captions and prompts."""

    backend: Literal["template"] = "template"
    """Who writes the captions: 'template' writes them from the class ratios."""
    image_template: str = "satellite image, {ratios}"
    """Caption of an image; {ratios} becomes the class mix, largest class first."""
    mask_template: str = "segmentation map, {ratios}"
    """Prompt of a mask."""
    step: int = Field(default=1, ge=1, le=50)
    """Percentages are rounded to multiples of this."""
    smallest: float = Field(default=0.005, ge=0, lt=1)
    """Classes below this share are not mentioned."""
