"""The config: one typed section per stage, loaded and checked in well under a second.

Nothing here imports torch, rasterio or pandas: the Snakefile reads the config at every start of every job.
"""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from landloom.config import constraints
from landloom.config.audit import AuditConfig
from landloom.config.base import BaseConfig
from landloom.config.caption import CaptionConfig
from landloom.config.check import CheckConfig
from landloom.config.curate import CurateConfig
from landloom.config.data import DataConfig
from landloom.config.encode import EncodeConfig
from landloom.config.evaluate import EvaluateConfig
from landloom.config.export import ExportConfig
from landloom.config.features import FeaturesConfig
from landloom.config.image_sample import ImageSampleConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_sample import LabelSampleConfig
from landloom.config.label_table import LabelTableConfig, Variant
from landloom.config.label_train import LabelTrainConfig
from landloom.config.mix import MixConfig
from landloom.config.plan import PlanConfig, check_complete, check_pixels
from landloom.config.ratios import RatiosConfig
from landloom.config.report import ReportConfig
from landloom.config.run import RunConfig
from landloom.config.section import NAME, Section, Seed
from landloom.config.segment import SegmentConfig
from landloom.config.tile import TileConfig
from landloom.errors import InputError

GENERATOR_SECTIONS = ("label_train", "plan", "label_sample", "image_train", "image_sample", "curate")
SHOWN = 80
"""Most characters of a wrong value that a message shows."""
TABLE = "label_table"
"""Folder of the label table; its variants are generators of masks alone, ``label_table/<variant>``."""
RESERVED = (
    "tiles",
    "captions",
    "latents",
    "features",
    "base",
    "real",
    "segment",
    "evaluation",
    "export",
    TABLE,
    "report",
    "state",
)


class Config(Section):
    """The whole config."""

    dataset: str
    """Name of the dataset; results go to results/<dataset>/."""
    seed: Seed = 0
    """Seed of everything that is random."""
    data: DataConfig
    """Input imagery."""
    check: CheckConfig = CheckConfig()
    tile: TileConfig = TileConfig()
    ratios: RatiosConfig = RatiosConfig()
    caption: CaptionConfig = CaptionConfig()
    base: BaseConfig = BaseConfig()
    encode: EncodeConfig = EncodeConfig()
    features: FeaturesConfig = FeaturesConfig()
    label_train: LabelTrainConfig = LabelTrainConfig()
    plan: PlanConfig = PlanConfig()
    label_sample: LabelSampleConfig = LabelSampleConfig()
    image_train: ImageTrainConfig = ImageTrainConfig()
    image_sample: ImageSampleConfig = ImageSampleConfig()
    curate: CurateConfig = CurateConfig()
    mix: MixConfig = MixConfig()
    segment: SegmentConfig = SegmentConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    export: ExportConfig = ExportConfig()
    report: ReportConfig = ReportConfig()
    label_table: LabelTableConfig = LabelTableConfig()
    audit: AuditConfig = AuditConfig()
    run: RunConfig = RunConfig()
    generators: dict[str, dict[str, dict[str, Any]]] = Field(default={"landloom": {}}, min_length=1)
    """Generators by name: what differs from the sections above, such as {plan: {count: 512}}."""

    @model_validator(mode="after")
    def _names(self) -> Self:
        named = [self.dataset, *self.generators, *self.segment.networks]
        for name in named:
            if not NAME.fullmatch(name):
                raise ValueError(f"the name '{name}' may hold letters, digits, '.', '_' and '-' only")
        for name, changes in self.generators.items():
            # Folders and files of results/<dataset>; some systems take capitals for small letters.
            if name.lower() in RESERVED or name.lower().endswith((".json", ".parquet")):
                raise ValueError(f"generators: the name '{name}' is taken; choose another")
            if wrong := sorted(set(changes) - set(GENERATOR_SECTIONS)):
                raise ValueError(
                    f"generators.{name}: {', '.join(wrong)} cannot differ between generators; "
                    f"only {', '.join(GENERATOR_SECTIONS)} can"
                )
        return self

    @model_validator(mode="after")
    def _overrides(self) -> Self:
        changed = [(f"generators.{n}", n, stages) for n, stages in self.generators.items()]
        changed += [
            (f"label_table.variants.{n.split('/')[1]}", n, {"label_train": {}, "label_sample": {}})
            for n in self.variants
        ]
        for where, name, stages in changed:
            for stage in stages:
                try:
                    self.section(stage, name)
                except ValidationError as error:
                    lines = [_explain(dict(e), f"{where}.{stage}") for e in error.errors()]
                    raise ValueError("; ".join(lines)) from None
        return self

    @model_validator(mode="after")
    def _models(self) -> Self:
        for name, variant in self.label_table.variants.items():
            if not NAME.fullmatch(name):
                raise ValueError(
                    f"label_table.variants: '{name}' may hold letters, digits, '.', '_', '-' only"
                )
            if variant.model and variant.label_train:
                raise ValueError(
                    f"label_table.variants.{name}: takes the model of '{variant.model}', so its label_train "
                    "would do nothing; remove one of the two"
                )
            if variant.label_sample.get("source", "model") != "model":
                raise ValueError(
                    f"label_table.variants.{name}.label_sample.source: the table compares masks of models; "
                    "remove it, real masks stand in the table anyway"
                )
            taken = self.label_table.variants.get(variant.model or name)
            if taken is None or taken.model is not None:
                trained = [n for n, v in self.label_table.variants.items() if v.model is None]
                raise ValueError(
                    f"label_table.variants.{name}.model: no variant '{variant.model}' is trained; "
                    f"choose from {', '.join(trained)}"
                )
        return self

    @model_validator(mode="after")
    def _references(self) -> Self:
        known = {c.name for c in self.data.classes}
        for name in [*self.generators, *self.variants]:
            for mix, goal in self.plan_of(name).mixes.items():
                asked = set(goal.boost) | {c for row in goal.rows() for c in row}
                if wrong := sorted(asked - known):
                    raise ValueError(f"plan.mixes.{mix}: no class is called {', '.join(wrong)}")
                for row in goal.rows():
                    try:
                        check_pixels(row, self.tile.size)
                        if row in goal.table:
                            check_complete(row, known)
                    except ValueError as error:
                        raise ValueError(f"plan.mixes.{mix}: {error}") from None
            if name in self.variants:
                continue
            sources = [self.section(s, name).model_dump()["source"] for s in ("label_sample", "image_sample")]
            adapted = self.section("label_train", name).model_dump()["backend"] == "lora"
            if sources[0] == "model" and adapted and not self.base.masks:
                raise ValueError(
                    f"base.masks: is false, but the masks of generator '{name}' come from a LoRA on it; "
                    "set it to true, or label_train.backend to 'categorical'"
                )
            if sources == ["model", "real"]:
                raise ValueError(
                    f"generators.{name}: image_sample.source 'real' needs label_sample.source 'real'"
                )
            judge = self.section("curate", name).model_dump()["network"]
            if judge is not None and judge not in self.segment.networks:
                raise ValueError(f"curate.network: '{judge}' is not one of segment.networks")
        return self

    @model_validator(mode="after")
    def _together(self) -> Self:
        # The default variants must not bind a config that never asks for the label table.
        table = self.report.label_table or "label_table" in self.model_fields_set
        names = [*self.generators, *(self.variants if table else ())]
        if found := dict.fromkeys(p for name in names for p in constraints.problems(self, name)):
            raise ValueError("; ".join(found))
        return self

    def section(self, stage: str, generator: str | None = None) -> Section:
        """The section of a stage, with the changes of a generator or of a variant of the label table."""
        section: Section = getattr(self, stage)
        if generator in self.variants:
            changes = self.variants[generator].model_dump().get(stage, {})
            if stage == "label_sample":
                changes = {"source": "model"} | changes
            section = self.label_table.plan if stage == "plan" else section
        else:
            changes = self.generators.get(generator or "", {}).get(stage)
        if not changes:
            return section
        merged = merge(section.model_dump(exclude_unset=True), changes)
        return type(section).model_validate(merged)

    @property
    def variants(self) -> dict[str, Variant]:
        """Variants of the label table, by the names they have where generators are expected."""
        return {f"{TABLE}/{name}": v for name, v in self.label_table.variants.items()}

    def lender(self, generator: str) -> str:
        """Whose settings the model of a generator was trained with: a variant may borrow another's."""
        variant = self.variants.get(generator)
        return f"{TABLE}/{variant.model}" if variant and variant.model else generator

    def plan_of(self, generator: str) -> PlanConfig:
        """The plan section of a generator."""
        plan = self.section("plan", generator)
        assert isinstance(plan, PlanConfig)
        return plan


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings; what is not a mapping is replaced."""
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        result[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def load(values: Mapping[str, Any], where: str = "config") -> Config:
    """Check a raw config.

    Raises:
        InputError: names each wrong field, what was found and what is allowed.
    """
    try:
        return Config.model_validate(dict(values))
    except ValidationError as error:
        lines = [_explain(dict(e)) for e in error.errors()]
        raise InputError(
            where, "; ".join(lines), "Fix these fields; config/README.md lists every one"
        ) from None


def _explain(error: dict[str, Any], prefix: str = "config") -> str:
    parts = [str(p) for p in error["loc"]]
    field = ".".join([prefix, *parts] if prefix != "config" else parts) or prefix
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"{field}: no such key (is it misspelt?)"
    if error["type"] == "missing":
        return f"{field}: is missing"
    if error["input"] is None and error["type"] in ("model_type", "dict_type"):
        return f"{field}: is empty; give it a key, or remove it (for a generator without changes, write {{}})"
    if error["type"] == "model_type":
        return f"{field}: found {error['input']!r}, where keys and values are expected"
    said = f"{field}: {message[0].lower() + message[1:]}"
    if error["type"] == "value_error":
        return said
    shown = repr(error["input"])
    return f"{said} (found {shown if len(shown) <= SHOWN else shown[:SHOWN] + ' ...'})" + _quotes(error)


def _quotes(error: dict[str, Any]) -> str:
    """A hint where YAML made something else of a word: no, on, 1, null; a colour begins a comment."""
    plain = error["input"] is None or isinstance(error["input"], bool | int | float)
    text = error["type"] == "string_type" or (error["type"] == "list_type" and error["input"] is None)
    return "; put it in quotes, for YAML does not read it as text" if plain and text else ""
