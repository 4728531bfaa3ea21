"""``label_table``: the ablation of mask generation."""

from typing import Any, Literal

from pydantic import Field

from landloom.config.plan import MixGoal, PlanConfig
from landloom.config.section import NetworkSection

PROMPT = {"backend": "lora", "proportion": {"weight": 0.0}}
LOSS = {"backend": "lora"}
VECTOR = {"backend": "lora", "vector": {"tokens": 4}}


Changes = dict[str, dict[str, Any]]
"""What differs from the sections of that name."""


QUILT: dict[str, Any] = {"source": "quilt"}


def generators() -> dict[str, Changes]:
    """Paper first, then one lever more per row, for both back-ends; quilts of real masks last.

    Equal trainings are done once, so a lever of sampling costs no training.
    """
    lora, categorical = {"label_train": VECTOR}, {"label_train": {"backend": "categorical"}}
    latent, tries = {"latent": 0.1}, {"tries": 4}
    return {
        "lora": {"label_train": PROMPT},
        "lora-loss": {"label_train": LOSS},
        "lora-vector": lora,
        "lora-guidance": lora | _levers(latent),
        "lora-best": lora | _levers(latent | tries),
        "lora-repair": lora | _levers(latent | tries | {"repair": True}),
        "categorical": categorical | _levers({"histogram": False}),
        "categorical-guidance": categorical,
        "categorical-best": categorical | _levers(tries),
        "categorical-repair": categorical | _levers(tries | {"repair": True}),
        "quilt": {"label_sample": QUILT},
        "quilt-repair": {"label_sample": QUILT | {"control": {"repair": True}}},
    }


def _levers(control: dict[str, Any]) -> Changes:
    return {"label_sample": {"control": control}}


class LabelTableConfig(NetworkSection):
    """Settings of the ablation."""

    plan: PlanConfig = PlanConfig(count=200, mixes={"held-out": MixGoal()})
    """Requests, the same for all rows. Results of the first mix bear the name of the row alone."""
    split: Literal["train", "val", "test"] = "test"
    """Real tiles that the requests start from, and that the masks are compared with."""
    generators: dict[str, Changes] = Field(default_factory=generators, min_length=1)
    """Rows of the table by name: generators without images, as in ``generators`` above, which differ in
    label_train and label_sample; their masks come from a model, whatever
    those of others do, or from quilts if they say so."""
