"""``check``: what is looked at before any job starts."""

from pydantic import Field

from landloom.config.section import Section


class CheckConfig(Section):
    """Settings of the check."""

    mask_pixels: int = Field(default=50_000_000, ge=0)
    """Mask pixels to look at for unknown values, over all scenes; 0 looks at none."""
    free_disk_gb: float = Field(default=2.0, ge=0)
    """Free disk space that must be there for the results."""
