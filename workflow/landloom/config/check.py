"""``check``: what is looked at before any job starts."""

from pydantic import Field

from landloom.config.section import Section


class CheckConfig(Section):
    """Settings of the check."""

    mask_pixels: int = Field(default=50_000_000, ge=0)
    """Mask pixels to look at for unknown values, over all scenes; 0 looks at none."""
    free_disk_gb: float | None = Field(default=None, ge=0)
    """Free disk space that must be there for the results. When absent, a run must find what its tiles and
    samples will take, as ``landloom estimate`` says it, less what is there."""
