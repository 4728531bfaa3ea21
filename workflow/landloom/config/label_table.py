"""``label_table``: the ablation of mask generation."""

from typing import Any, Literal

from pydantic import Field

from landloom.config.plan import MixGoal, PlanConfig
from landloom.config.section import NetworkSection, Section

OFF = {"histogram": False}
PROMPT = {"backend": "lora", "proportion": {"weight": 0.0}}
LOSS = {"backend": "lora"}
VECTOR = {"backend": "lora", "vector": {"tokens": 4}}


class Variant(Section):
    """One row of the ablation."""

    model: str | None = None
    """Variant whose trained model is taken; its own is trained when absent."""
    label_train: dict[str, Any] = {}
    """What differs from the section label_train."""
    label_sample: dict[str, Any] = {}
    """What differs from the section label_sample; the source is always the model."""


def variants() -> dict[str, Variant]:
    """Paper first, then one lever more per row, for both back-ends; only what must be is trained anew."""
    tries = {"tries": 4}
    latent = {"latent": 0.1}
    return {
        "lora": Variant(label_train=PROMPT),
        "lora-loss": Variant(label_train=LOSS),
        "lora-vector": Variant(label_train=VECTOR),
        "lora-guidance": Variant(model="lora-vector", label_sample={"control": latent}),
        "lora-best": Variant(model="lora-vector", label_sample={"control": latent | tries}),
        "lora-repair": Variant(
            model="lora-vector", label_sample={"control": latent | tries | {"repair": True}}
        ),
        "categorical": Variant(label_train={"backend": "categorical"}, label_sample={"control": OFF}),
        "categorical-guidance": Variant(model="categorical"),
        "categorical-best": Variant(model="categorical", label_sample={"control": tries}),
        "categorical-repair": Variant(
            model="categorical", label_sample={"control": tries | {"repair": True}}
        ),
    }  # fmt: skip


class LabelTableConfig(NetworkSection):
    """Settings of the ablation."""

    plan: PlanConfig = PlanConfig(count=200, mixes={"held-out": MixGoal()})
    """Requests, the same for all variants. Results of the first mix bear the variant's name alone."""
    split: Literal["train", "val", "test"] = "test"
    """Real tiles that the requests start from, and that the masks are compared with."""
    variants: dict[str, Variant] = Field(default_factory=variants, min_length=1)
    """Rows of the table, by name."""
