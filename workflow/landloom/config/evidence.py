"""``evidence``: whether the pairs add to real tiles, and at which share of labels."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from landloom.config.section import Section


class EvidenceConfig(Section):
    """Settings of the evidence, which ``snakemake evidence`` makes: the whole run, once for each share."""

    labelled: list[Annotated[float, Field(gt=0, le=1)]] = Field(default=[0.1, 0.25, 0.5, 1.0], min_length=1)
    """Shares of the train scenes (or blocks) that keep their labels, each in place of data.split.labelled."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len({f"{s:g}" for s in self.labelled}) < len(self.labelled):  # as they stand in paths
            raise ValueError("labelled: a share is given twice; they are told apart by six digits")
        return self
