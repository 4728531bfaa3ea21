"""``run``: how jobs run. Nothing here changes a result, so changing it redoes nothing."""

from pydantic import Field

from landloom.config.section import Section


class RunConfig(Section):
    """Settings that are in no fingerprint and no record: what is made does not depend on them."""

    log: float = Field(default=10.0, ge=0)
    """Seconds between the log lines of a training, also the rows of its metrics; 0 is every step."""
    checkpoint: float = Field(default=120.0, ge=0)
    """Seconds between the checkpoints of a training: as much is lost when a node dies; 0 is every step."""


DEFAULT = RunConfig()
"""For stages that are called without."""
