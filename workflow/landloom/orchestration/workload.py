"""What the jobs of a run compute, load and save: from its config, its number of tiles and its networks."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, cast

from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_sample import LabelSampleConfig
from landloom.config.label_train import LabelTrainConfig
from landloom.config.training import Training
from landloom.orchestration import storage
from landloom.orchestration.resources import VARIANTS, Tiles, at_all_scales
from landloom.orchestration.unweighted_networks import Cost, UnweightedNetworks

if TYPE_CHECKING:
    from landloom.orchestration.dag import Dag

EXTRACTORS = {"efficientnet_lite0": 0.8e9, "inception": 11.4e9}
"""FLOPs of the features of one picture (Tan and Le 2019, 0.4 billion products; Szegedy et al. 2016, 5.7)."""
PATCH = 28
"""Side in pixels of what is one token to Qwen2-VL (Wang et al. 2024)."""
PROMPT = 150
"""Tokens of the question beside the picture."""
SLOW = 16
"""How many times slower fp32 is than bf16, as on A100 and H100."""


class Workload:
    """FLOPs, parameters and jobs by rule.

    Args:
        dag: the run.
        tiles: the dataset.
    """

    def __init__(self, dag: "Dag", tiles: Tiles) -> None:
        self.dag, self.config, self.tiles = dag, dag.config, tiles
        self.every = at_all_scales(dag.config, tiles)
        self.networks = UnweightedNetworks(dag.config, tiles.bands)

    @cached_property
    def label(self) -> dict[str, Cost]:
        """Mask generators that are trained."""
        return {g: self.networks.label(self._label(g)) for g in self._owners("label")}

    @cached_property
    def image(self) -> dict[str, Cost]:
        """Image generators that are trained."""
        return {g: self.networks.image(self._image(g)) for g in self._owners("image")}

    @cached_property
    def segment(self) -> dict[str, Cost]:
        """Segmentation networks."""
        return {n: self.networks.segment(n) for n in self.config.segment.networks}

    @cached_property
    def detect(self) -> dict[str, Cost]:
        """Detectors."""
        return {n: self.networks.detect(n) for n in self.config.detect.networks}

    @cached_property
    def jobs(self) -> dict[str, int]:
        """Number of jobs."""
        parts, config, plans = len(self.dag.parts), self.config, self.config.plan_of
        shards = len(self.dag.levels.shards)
        pairs = sum(plans(g).shards for g in config.generators)
        based, detectors = self.dag.trained.based(), len(self.dag.detectors())
        found = {
            "tile_scenes": shards, "ratios": 1, "caption": shards, "base": int(based),
            "encode": shards if based else 0,
            "features": parts if storage.compares(config, self.dag.trained) else 0,
            "label_train": len(self._owners("label")),
            "label_sample": sum(plans(g).shards for g in storage.with_masks(config)),
            "image_train": len(self._owners("image")), "image_sample": pairs, "curate": pairs,
            "mix": 1 + len(config.generators) * len(config.mix.ratios), "segment": len(self.dag.runs()),
            "evaluate": 1, "label_table": int(config.report.label_table),
            "export": sum(self.dag.trained.synthetic(g) for g in config.generators),
            "report": 1, "audit": 1,
        }  # fmt: skip
        return found | ({"detect": detectors, "detect_table": 1} if detectors else {})

    @cached_property
    def flops(self) -> dict[str, float]:
        """FLOPs on a GPU, those of fp32 taken ``SLOW`` times; of captions, those of reading alone."""
        extractor = SLOW * EXTRACTORS[self.config.features.extractor]
        asked, counts = SLOW * self._judging, self.config.generators
        pairs = sum(self.config.plan_of(g).count for g in counts)
        compared = sum(self.config.plan_of(g).count for g in storage.compares(self.config, self.dag.trained))
        return {
            "caption": self.every.train * 2 * self.captioner * (PROMPT + (self.tiles.size / PATCH) ** 2),
            "base": self._base(), "encode": self._encode() if self.jobs["encode"] else 0,
            "features": self.tiles.train * extractor if self.jobs["features"] else 0,
            "label_train": sum(trained(self._label(g), c.step) for g, c in self.label.items()),
            "label_sample": sum(self._masks()),
            "image_train": sum(trained(self._image(g), c.step) for g, c in self.image.items()),
            "image_sample": sum(self._images()), "curate": pairs * asked + compared * extractor,
            "segment": self._segment(), "detect": self._detect(),
            "evaluate": (len(counts) + 1) * self.config.evaluate.samples * extractor,
        }  # fmt: skip

    @property
    def loaded(self) -> dict[str, int]:
        """Parameters that a job loads at once, at most, each in four bytes."""
        base = self.networks.base_parameters if self.jobs["base"] else 0
        judge = max(c.loaded for c in self.segment.values())
        words = self.captioner // (2 if self.config.caption.qwen_vl.precision == "bf16" else 1)
        label, image = (max((c.loaded for c in t.values()), default=0) for t in (self.label, self.image))
        guessing = judge if any(map(self.dag.trained.predicted, self.config.generators)) else 0
        masks = max(label, guessing)
        return {
            "caption": words, "base": base, "encode": base, "label_train": label, "label_sample": masks,
            "image_train": image, "image_sample": image + judge, "curate": judge, "segment": judge,
            "detect": max((c.loaded for c in self.detect.values()), default=0),
        }  # fmt: skip

    @property
    def saved(self) -> dict[str, int]:
        """Parameters that a training writes, at most: a checkpoint has them with two moments of AdamW."""
        scratch = self.config.base.source == "scratch" and self.jobs["base"]
        found = {
            "label_train": self.label,
            "image_train": self.image,
            "segment": self.segment,
            "detect": self.detect,
        }
        return {rule: max((c.saved for c in costs.values()), default=0) for rule, costs in found.items()} | {
            "base": self.networks.base_parameters if scratch else 0
        }

    @property
    def _judging(self) -> float:
        return max(c.forward for c in self.segment.values())

    @property
    def captioner(self) -> int:
        """Parameters of the caption model on our machines, by its name ('...-7B-...'); 7 billion without."""
        caption = self.config.caption
        if not caption.gpus:
            return 0
        name = caption.qwen_vl.source if caption.backend == "qwen_vl" else caption.endpoint.model
        found = re.search(r"(\d+(?:\.\d+)?)[bB]\b", name)
        return int(float(found[1] if found else 7) * 1.2e9)  # names leave out the encoder of pictures

    def _base(self) -> float:
        base = self.config.base
        if base.source != "scratch" or not self.jobs["base"]:
            return 0.0
        crop = ((base.vae.crop or self.tiles.size) / self.tiles.size) ** 2
        seen = 3 * crop * (self.networks.encoding + self.networks.decoding)
        return trained(base.vae, seen) + trained(base.unet, self.networks.denoiser().step)

    def _encode(self) -> float:
        pictures = VARIANTS[self.config.encode.augment] * (2 if self.config.base.masks else 1)
        each = pictures * self.networks.encoding + 2 * self.networks.embedding
        return self.every.train * each * slow(self.config.encode.precision)

    def _masks(self) -> Iterator[float]:
        for g in storage.with_masks(self.config):
            made = cast(LabelSampleConfig, self.config.section("label_sample", g))
            if made.source == "predicted":
                seen = min(made.predicted.tiles, self.tiles.unlabelled)
                yield self.config.plan_of(g).shards * seen * SLOW * self._judging
            if made.source != "model":
                continue
            guided, vector = made.guidance > 1, made.vector_guidance != 1
            steps, asked, decoded = made.steps, 1 + guided + vector, self.networks.decoding
            if self.dag.trained.categorical(g):
                steps, asked, decoded = made.steps + made.refine, 1 + vector, 0
            each = steps * asked * self.label[self.dag.trained.owner(g, "label")].forward + decoded
            yield self.config.plan_of(g).count * made.control.tries * each * slow(made.precision)

    def _images(self) -> Iterator[float]:
        for g in self.config.generators:
            made, plan = storage.sampling(self.config, g), self.config.plan_of(g)
            if made.source != "model":
                continue
            one = self.image[self.dag.trained.owner(g, "image")].forward
            asked = 1 + sum(scale > 1 for scale in made.scales.values())
            denoised = made.steps * asked * one + self.networks.decoding
            each = one if self.dag.trained.translates(g) else denoised
            yield (plan.count + plan.shards * made.resamples) * each * slow(made.precision)

    def _segment(self) -> float:
        section, runs = self.config.segment, len(self.dag.runs()) // len(self.segment)
        judged = SLOW * self.tiles.held_out
        return runs * sum(trained(section, c.step) + judged * c.forward for c in self.segment.values())

    def _detect(self) -> float:
        section, held_out = self.config.detect, SLOW * self.tiles.held_out
        runs = len(self.dag.detectors()) // max(len(self.detect), 1)
        return runs * sum(trained(section, c.step) + held_out * c.forward for c in self.detect.values())

    def _owners(self, kind: str) -> list[str]:
        names = storage.with_masks(self.config) if kind == "label" else list(self.config.generators)
        trained = self.dag.trained
        found = (trained.owner(g, kind) for g in names if trained.samples(f"{kind}_sample", g))
        return list(dict.fromkeys(found))

    def _label(self, generator: str) -> LabelTrainConfig:
        return cast(LabelTrainConfig, self.config.section("label_train", generator))

    def _image(self, generator: str) -> ImageTrainConfig:
        return cast(ImageTrainConfig, self.config.section("image_train", generator))


def trained(section: Training, step: float) -> float:
    """FLOPs of a training, of which a step with one sample takes ``step``."""
    return section.steps * section.batch * step * slow(section.precision)


def slow(precision: str) -> int:
    """How many times longer a FLOP takes than in bf16."""
    return 1 if precision == "bf16" else SLOW
