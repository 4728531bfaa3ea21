"""``run``: how jobs run. Nothing here changes a result, so changing it redoes nothing."""

import os
from typing import ClassVar, Self

from pydantic import Field

from landloom.config.section import Section


class RunConfig(Section):
    """Settings that are in no fingerprint and no record: what is made does not depend on them."""

    log: float = Field(default=10.0, ge=0)
    """Seconds between the log lines of a training, also the rows of its metrics; 0 is every step."""
    checkpoint: float = Field(default=120.0, ge=0)
    """Seconds between the checkpoints of a training: as much is lost when a node dies; 0 is every step."""
    deterministic: bool = False
    """Deterministic algorithms on GPUs, too, where torch has them: slower, but the same bits when a job is
    run again or goes on, on the same kind of GPU. Without it two runs of one job differ there in the last
    bits, so neither is more right and a change of this redoes nothing. Trainings on a CPU always have them.
    """

    gradient_checkpointing: bool = False
    """Compute the activations of U-Net, ControlNet and autoencoder twice rather than keep them: a training
    does one forward pass in three more, and needs much less GPU memory."""

    profile: bool = False
    """Write a trace of torch's profiler for ui.perfetto.dev, of the first ten steps of each job that uses
    torch: `.landloom/<output>.trace.json` beside its first output. Such a job is slower, and does not take a
    result that is at hand."""

    VARIABLE: ClassVar[str] = "LANDLOOM_RUN"

    def publish(self) -> None:
        """Put these settings into the environment of the jobs that this process starts."""
        os.environ[self.VARIABLE] = self.model_dump_json(exclude_defaults=True)

    @classmethod
    def found(cls) -> Self:
        """The published settings; the defaults where there are none, as in a command run by hand."""
        return cls.model_validate_json(os.environ.get(cls.VARIABLE, "{}"))


DEFAULT = RunConfig()
"""For stages that are called from Python."""
