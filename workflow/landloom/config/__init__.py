"""The config: one typed section per stage, loaded and checked in well under a second.

Nothing here imports torch, rasterio or pandas: the Snakefile reads the config at every start of every job.
"""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from landloom.config import constraints, references
from landloom.config.audit import AuditConfig
from landloom.config.base import BaseConfig
from landloom.config.caption import CaptionConfig
from landloom.config.check import CheckConfig
from landloom.config.curate import CurateConfig
from landloom.config.data import DataConfig
from landloom.config.detect import DetectConfig
from landloom.config.detect_table import DetectTableConfig
from landloom.config.encode import EncodeConfig
from landloom.config.evaluate import EvaluateConfig
from landloom.config.evidence import EvidenceConfig
from landloom.config.export import ExportConfig
from landloom.config.features import FeaturesConfig
from landloom.config.image_sample import ImageSampleConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_sample import LabelSampleConfig
from landloom.config.label_table import Changes, LabelTableConfig
from landloom.config.label_train import LabelTrainConfig
from landloom.config.mix import MixConfig
from landloom.config.plan import PlanConfig
from landloom.config.ratios import RatiosConfig
from landloom.config.report import ReportConfig
from landloom.config.run import RunConfig
from landloom.config.scene_mask import SceneMaskConfig
from landloom.config.scene_sample import SceneSampleConfig
from landloom.config.section import NAME, Section, Seed
from landloom.config.segment import SegmentConfig
from landloom.config.tile import TileConfig
from landloom.errors import InputError

MASK_SECTIONS = ("label_train", "label_sample")
GENERATOR_SECTIONS = ("label_train", "plan", "label_sample", "image_train", "image_sample", "curate")
SHOWN = 80
"""Most characters of a wrong value that a message shows."""
TABLE = "label_table"
"""Folder of the generators of the label table, ``label_table/<name>``, which make masks alone."""
RESERVED = (
    "tiles",
    "captions",
    "latents",
    "features",
    "base",
    "real",
    "segment",
    "detect",
    "evaluation",
    "evidence",
    "export",
    TABLE,
    "report",
    "scene_masks",
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
    scene_mask: SceneMaskConfig = SceneMaskConfig()
    scene_sample: SceneSampleConfig = SceneSampleConfig()
    curate: CurateConfig = CurateConfig()
    mix: MixConfig = MixConfig()
    segment: SegmentConfig = SegmentConfig()
    detect: DetectConfig = DetectConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    detect_table: DetectTableConfig = DetectTableConfig()
    evidence: EvidenceConfig = EvidenceConfig()
    export: ExportConfig = ExportConfig()
    report: ReportConfig = ReportConfig()
    label_table: LabelTableConfig = LabelTableConfig()
    audit: AuditConfig = AuditConfig()
    run: RunConfig = RunConfig()
    generators: dict[str, Changes] = Field(default={"landloom": {}}, min_length=1)
    """Generators by name: what differs from the sections above, such as {plan: {count: 512}}."""

    @model_validator(mode="after")
    def _names(self) -> Self:
        alone = self.label_table.generators
        named = [self.dataset, *self.generators, *alone, *self.segment.networks, *self.detect.networks]
        for name in named:
            if not NAME.fullmatch(name):
                raise ValueError(f"the name '{name}' may hold letters, digits, '.', '_' and '-' only")
        for name in self.generators:
            # Folders and files of results/<dataset>; some systems take capitals for small letters.
            if name.lower() in RESERVED or name.lower().endswith((".json", ".parquet")):
                raise ValueError(f"generators: the name '{name}' is taken; choose another")
        for where, sections in (("generators", GENERATOR_SECTIONS), (f"{TABLE}.generators", MASK_SECTIONS)):
            for name, changes in (self.generators if where == "generators" else alone).items():
                if wrong := sorted(set(changes) - set(sections)):
                    raise ValueError(
                        f"{where}.{name}: {', '.join(wrong)} cannot differ between generators; "
                        f"only {', '.join(sections)} can"
                    )
        return self

    @model_validator(mode="after")
    def _overrides(self) -> Self:
        for name, changes in self.all_generators.items():
            where = f"{TABLE}.generators.{name.split('/')[1]}" if name in self.alone else f"generators.{name}"
            for stage in changes:
                try:
                    self.section(stage, name)
                except ValidationError as error:
                    lines = [_explain(dict(e), f"{where}.{stage}") for e in error.errors()]
                    raise ValueError("; ".join(lines)) from None
        return self

    @model_validator(mode="after")
    def _references(self) -> Self:
        if found := dict.fromkeys(references.problems(self)):
            raise ValueError("; ".join(found))
        return self

    @model_validator(mode="after")
    def _together(self) -> Self:
        # The default rows must not bind a config that never asks for the label table.
        table = self.report.label_table or "label_table" in self.model_fields_set
        names = self.all_generators if table else self.generators
        problems = (p for name in names for p in constraints.problems(self, name))
        if found := dict.fromkeys([*constraints.boxes(self), *constraints.levels(self, names), *problems]):
            raise ValueError("; ".join(found))
        return self

    def section(self, stage: str, generator: str | None = None) -> Section:
        """The section of a stage, with the changes of a generator."""
        table = stage == "plan" and generator in self.alone
        section: Section = self.label_table.plan if table else getattr(self, stage)
        changes = self.all_generators.get(generator or "", {}).get(stage)
        if not changes:
            return section
        merged = merge(section.model_dump(exclude_unset=True), changes)
        return type(section).model_validate(merged)

    @property
    def alone(self) -> dict[str, Changes]:
        """Generators of masks alone, by models unless they say otherwise: the rows of the label table."""
        model = {"label_sample": {"source": "model"}}
        return {f"{TABLE}/{n}": merge(model, c) for n, c in self.label_table.generators.items()}

    @property
    def all_generators(self) -> dict[str, Changes]:
        """What differs from the sections, by generator; those with images come first."""
        return self.generators | self.alone

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
