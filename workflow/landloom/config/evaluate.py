"""``evaluate``: the tables."""

from typing import Literal

from pydantic import Field

from landloom.config.section import NetworkSection


class EvaluateConfig(NetworkSection):
    """Settings of the evaluation."""

    samples: int = Field(default=2048, ge=2)
    """At most this many images of each kind."""
    reference: Literal["train", "test"] = "train"
    """Real tiles that the images are compared with. FID is biased by their number: `n_reference`."""
