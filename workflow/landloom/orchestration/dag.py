"""What the rules ask: which files, which settings, which version. No heavy imports: every job parses this."""

import json
import math
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from landloom.config import GENERATOR_SECTIONS, Config, load
from landloom.config.caption import Words
from landloom.config.curate import CurateConfig
from landloom.config.section import Section
from landloom.errors import InputError
from landloom.orchestration import judging, preflight, required, resources, scenes, shares
from landloom.orchestration.judging import REAL
from landloom.orchestration.levels import Levels
from landloom.orchestration.map_files import MapFiles
from landloom.orchestration.object_lists import ObjectLists
from landloom.orchestration.scenes import WholeScenes
from landloom.orchestration.told_of_scenes import ToldOfScenes
from landloom.orchestration.trained_models import TrainedModels
from landloom.runtime import registry as stages
from landloom.runtime.argument_files import Lists
from landloom.scenes.discovery import SceneFiles, divided, grouped


class Dag:
    """The shape of one run, from its config."""

    TABLES = ("segmentation", "image_quality", "label_ratios", "label_shapes", "summary", "gain")
    ABLATION = ("label_ablation", "label_ablation_shapes")

    def __init__(self, raw: Mapping[str, Any] | Config, configfiles: Sequence[str] = ()) -> None:
        self.config = raw if isinstance(raw, Config) else load(raw)
        self.configfiles = configfiles
        self.limits: dict[str, float] = {}
        self.lists, self.levels = Lists(), Levels(self)

    @cached_property
    def others(self) -> dict[str, "Dag"]:
        """Runs of the evidence with other shares of labels, by the name of their results."""
        return {c.dataset: Dag(c, self.configfiles) for c in shares.others(self.config)}

    def at(self, wildcards: Any) -> "Dag":
        """The run that a job belongs to: this one, or one with another share of labels."""
        return self.others.get(wildcards.get("dataset"), self)

    def own(self, paths: Sequence[str]) -> list[str]:
        """Paths of this run, where the dataset was left as a wildcard."""
        return [p.format(dataset=self.config.dataset) for p in paths]

    @cached_property
    def divided(self) -> tuple[list[SceneFiles], dict[str, str]]:
        """Scenes, and the split of each."""
        return divided(self.config.data)

    @cached_property
    def scenes(self) -> dict[str, SceneFiles]:
        """Scenes by name; the unlabelled ones have no mask."""
        return {s.name: s for s in self.divided[0]}

    @cached_property
    def parts(self) -> dict[str, list[str]]:
        """Scenes of each shard of tiles, by its name."""
        return grouped(list(self.scenes.values()), self.config.tile.scenes_per_shard)

    @property
    def splits(self) -> dict[str, str]:
        """Split of each scene; 'block' when scenes are divided inside."""
        return self.divided[1]

    @property
    def generators(self) -> list[str]:
        """Names of the generators."""
        return list(self.config.generators)

    @property
    def ratios(self) -> list[str]:
        """Synthetic shares, as they stand in paths."""
        return [f"{r:g}" for r in self.config.mix.ratios]

    def patterns(self) -> dict[str, str]:
        """Regular expressions of the wildcards."""
        names = {
            "dataset": [self.config.dataset, *self.others],
            "scene": list(self.levels.shards),
            "generator": [*self.config.all_generators, REAL],
            "drawn": list(self.config.scene_mask.scenes) or ["-"],
            "network": [*self.config.segment.networks, *self.config.detect.networks],
            "canvas": list(self.config.scene_sample.scenes) or ["-"],
        }
        found = {k: "|".join(re.escape(n) for n in v) for k, v in names.items()}
        return found | {"shard": r"\d+", "seed": r"\d+", "ratio": r"[\d.]+(e[+-]\d+)?"}

    def require_files(self) -> None:
        """Raise an error for files and scenes that no rule can ask for, see ``required``."""
        required.everything(self)

    @property
    def pairs(self) -> list[int]:
        """Number of pairs that each generator plans."""
        return [self.config.plan_of(g).count for g in self.generators]

    def mixes(self, wildcards: Any) -> str:
        """JSON of the mix section with all its ratios; a job of mix sees its own alone."""
        return self.config.mix.model_dump_json(exclude_defaults=True)

    def check(self, workflow: Any) -> None:
        """Run the check before the first job, unless it is that job or has been run; for each share too."""
        preflight.before(self, workflow)

    def check_cluster(self, workflow: Any) -> None:
        """Refuse, when jobs go to SLURM, what is known to hang or never to start there.

        Raises:
            SystemExit: there are such settings or requests; they have been printed.
        """
        if type(workflow.executor_settings).__module__ != "snakemake_executor_plugin_slurm":
            return
        from landloom.cluster import guard

        jobs = [j for j in workflow.dag.needrun_jobs() if not j.is_local]
        try:
            self.limits = guard.limits(guard.requests(jobs))
            for job in jobs:
                job.attempt = 1  # ask for time again, now that the limits are known
            guard.check(workflow.executor_settings, guard.requests(jobs), Path.cwd())
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(1) from None

    def files(self, wildcards: Any) -> list[str]:
        """All input rasters, lists of objects, and maps."""
        rasters = [str(p) for s in self.scenes.values() for p in s.files]
        return [*rasters, *self.objects.all_files(), *self.maps.all_files()]

    def rasters(self, wildcards: Any) -> list[str]:
        """All input files of the run that a job belongs to."""
        return self.at(wildcards).files(wildcards)

    def part(self, wildcards: Any) -> list[str]:
        """Scenes of a part."""
        return self.parts[self.levels.shards[wildcards.scene].part]

    def images(self, wildcards: Any) -> list[str]:
        """Image files of a part, scene by scene."""
        return [str(p) for s in self.part(wildcards) for p in self.scenes[s].images]

    def masks(self, wildcards: Any) -> list[str]:
        """Files of the labels of a part, scene by scene; of each scene that has labels equally many masks."""
        scenes = self.at(wildcards).scenes
        return [str(p) for s in self.part(wildcards) for p in scenes[s].labels]

    def split(self, wildcards: Any) -> str:
        """Split of each scene of a part, for its command."""
        return self.lists.words("split", [self.at(wildcards).splits[s] for s in self.part(wildcards)])

    @cached_property
    def told(self) -> ToldOfScenes:
        """What jobs that cut tiles are told of scenes beside their files."""
        return ToldOfScenes(self)

    @property
    def objects(self) -> ObjectLists:
        """Lists of objects of scenes."""
        return ObjectLists(self)

    @property
    def whole(self) -> WholeScenes:
        """Scenes larger than a tile, which are to be made."""
        return WholeScenes(self)

    @property
    def maps(self) -> MapFiles:
        """Maps of scenes."""
        return MapFiles(self)

    def minutes(self, rule: str) -> Callable[..., int]:
        """Time limit that grows with each attempt, up to what the rule's partition allows."""

        def runtime(wildcards: Any, attempt: int) -> int:
            asked = resources.needs(rule, self.config).minutes * attempt
            return int(min(asked, self.limits.get(rule, math.inf)))

        return runtime

    def section(self, name: str) -> Callable[[Any], str]:
        """JSON of a config section, with the generator's changes; defaults are left out.

        A function, not a string: braces in prompt templates would be taken for wildcards.
        """

        def text(wildcards: Any) -> str:
            section = self._section(name, wildcards)
            return self.lists.text(name, section.model_dump_json(exclude_defaults=True))

        return text

    def _section(self, name: str, wildcards: Any) -> Section:
        generator, config = wildcards.get("generator"), self.at(wildcards).config
        if name in judging.JUDGES:
            return judging.section(config, name, wildcards.get("network"))
        if scene := scenes.named(name, wildcards):
            return scenes.section(config, name, scene)
        if name == "tile":
            return config.tile.model_copy(update={"scales": [1]})
        if name == "mix":
            return config.mix.model_copy(update={"ratios": [0.4]})
        if name == "curate":
            section = config.section(name, generator)
            return section.model_copy(update={"network": None, "detector": None})
        return config.section(name, generator).read()

    def memory(self, rule: str) -> Callable[..., int]:
        """Memory of a job: some for itself, and what it holds of its data; more with each attempt."""

        def mem_mb(wildcards: Any, input: Any, attempt: int) -> int:
            return resources.megabytes(rule, self.config, wildcards, input) * attempt

        return mem_mb

    def cpus(self, stage: str) -> Callable[[Any], int]:
        """CPU threads of a job of a stage."""
        return lambda wildcards: self._section(stage, wildcards).cpus

    def gpus(self, stage: str) -> Callable[[Any], int]:
        """GPUs of a job of a stage."""
        return lambda wildcards: self._section(stage, wildcards).gpus

    def settings(self, wildcards: Any) -> str:
        """JSON of all of the config that shapes results; defaults are left out."""
        shaping = self.at(wildcards).config.model_dump_json(exclude_defaults=True, exclude={"run"})
        return self.lists.text("settings", shaping)

    def expected(self) -> dict[str, Any]:
        """All sections as jobs get them: by stage, 'generator/stage', 'network/segment' or '.../detect'."""
        found = {s: self._section(s, {}) for s in stages.names()}
        for g in self.config.all_generators:
            found |= {f"{g}/{s}": self._section(s, {"generator": g}) for s in GENERATOR_SECTIONS}
        found |= judging.expected(self)
        found |= scenes.expected(self.config)
        return {k: v.model_dump(mode="json") for k, v in found.items()}

    def version(self, stage: str) -> int:
        """VERSION of a stage: a change of it reruns the stage."""
        return stages.version(stage)

    def seed(self, wildcards: Any) -> int:
        """Seed of the run."""
        return self.config.seed

    def min_trust(self, wildcards: Any) -> float:
        """Trust below which pixels are ignored in training."""
        if wildcards.generator == REAL:
            return 0.0
        return float(self.config.section("curate", wildcards.generator).model_dump()["min_trust"])

    def image_data(self, wildcards: Any) -> dict[str, list[str]]:
        """What an image generator learns from, by option."""
        return self.at(wildcards).trained.image_data(wildcards)

    @cached_property
    def trained(self) -> TrainedModels:
        """Trained models of the generators."""
        return TrainedModels(self.config, self.parts, self.judge, self.levels.shards)

    def plan_split(self, wildcards: Any) -> str:
        """Real tiles that a plan starts from: held-out ones are for the label table alone."""
        measured = wildcards.generator in self.config.alone
        return self.config.label_table.split if measured else "train"

    def plan_files(self, wildcards: Any) -> list[str]:
        """Tables that the plan of a generator reads."""
        return self.tables_of(wildcards.generator)

    def tables_of(self, generator: str) -> list[str]:
        """Tables of requests that the mixes of a generator name."""
        mixes = self.config.plan_of(generator).mixes.values()
        return [goal.file for goal in mixes if goal.file is not None]

    def table_masks(self) -> list[str]:
        """Shards of masks of all generators of the label table."""
        pattern = f"results/{self.config.dataset}/{{generator}}/masks/{{shard}}.parquet"
        return [p for g in self.config.alone for p in self.shards(pattern, g)]

    def bank(self, wildcards: Any) -> list[str]:
        """Captions that a plan draws from; none when it takes the template."""
        wanted = self.config.plan_of(wildcards.generator).captions
        by_model = self.config.caption.backend != "template"
        if wanted == "template" or (wanted == "auto" and not by_model):
            return []
        return [f"results/{wildcards.dataset}/captions/{s}.parquet" for s in self.parts]

    def words(self, wildcards: Any) -> str:
        """JSON of the templates: all that a plan needs of the caption section."""
        caption = self.config.caption.model_dump(include=set(Words.model_fields))
        return Words(**caption).model_dump_json(exclude_defaults=True)

    def tokenizer(self, wildcards: Any) -> str:
        """Option that says whose tokenizer counts; nothing for a base from scratch, which has none yet."""
        base = self.config.base
        if base.source == "scratch":
            return ""
        found = {"source": base.source, "revision": base.revision}
        return f"--base {shlex.quote(json.dumps(found))}"

    def learned(self, wildcards: Any) -> str:
        """Option that says whether the base knows masks."""
        return f"--learned {shlex.quote(json.dumps({'masks': self.config.base.masks}))}"

    @property
    def captioner(self) -> resources.Needs:
        """What a caption job asks for."""
        return resources.captioner(self.config.caption)

    def scratch(self, paths: list[str]) -> list[str]:
        """Paths that only a base trained from scratch needs."""
        return paths if self.config.base.source == "scratch" else []

    def judge(self, wildcards: Any) -> str:
        """Network, trained on real tiles alone, that scores synthetic pairs."""
        section = self.config.section("curate", wildcards.generator).model_dump()
        network = section["network"] or next(iter(self.config.segment.networks))
        return f"results/{wildcards.dataset}/segment/{REAL}/0/{network}/{self.config.segment.seeds[0]}"

    def detector(self, wildcards: Any) -> list[str]:
        """Run of the detector that looks for the objects of a generator's pairs; none if nobody does."""
        return judging.detector(self, wildcards)

    def known(self, wildcards: Any) -> list[str]:
        """Features of real tiles that new images are compared with; none where nothing is compared."""
        curate = self.config.section("curate", wildcards.generator)
        assert isinstance(curate, CurateConfig)
        if not curate.compares or not self.trained.synthetic(wildcards.generator):
            return []
        return [f"results/{wildcards.dataset}/features/{s}.safetensors" for s in self.parts]

    def shards(self, pattern: str, generator: str) -> list[str]:
        """Paths of a generator's shards; ``pattern`` has {generator} and {shard}."""
        count = self.config.plan_of(generator).shards
        return [pattern.format(generator=generator, shard=i) for i in range(count)]

    def all_shards(self, stage: str) -> list[str]:
        """Shards of a stage for all generators, with the dataset left as a wildcard."""
        pattern = f"results/{{{{dataset}}}}/{{generator}}/{stage}/{{shard}}.parquet"
        return [p for g in self.generators for p in self.shards(pattern, g)]

    def curated(self, wildcards: Any) -> list[str]:
        """Curated shards of a generator; none for the real-only set."""
        if wildcards.generator == REAL:
            return []
        root = f"results/{wildcards.dataset}/{{generator}}/curated/{{shard}}.parquet"
        return self.shards(root, wildcards.generator)

    def runs(self, suffix: str = "") -> list[str]:
        """Folders of all segmentation trainings, with the dataset left as a wildcard."""
        return judging.trainings(self, "segment", suffix)

    def detectors(self, suffix: str = "") -> list[str]:
        """Folders of all trainings of detectors; none unless some are listed."""
        return judging.trainings(self, "detect", suffix)

    def tables(self, wildcards: Any) -> list[str]:
        """Tables that the report shows; the label table is there with the labels of this run alone."""
        more = self.config.report.label_table and wildcards.get("dataset") not in self.others
        found = ("detection",) if self.config.detect.networks else ()
        names = [*self.TABLES, *found, *(self.ABLATION if more else ())]
        dataset = wildcards.get("dataset") or self.config.dataset
        return [f"results/{dataset}/evaluation/{n}.csv" for n in names]

    def plans(self) -> list[str]:
        """Plans of all generators, with the dataset left as a wildcard."""
        return [f"results/{{dataset}}/{g}/plan.parquet" for g in self.generators]

    def results(self, wildcards: Any = None) -> list[str]:
        """What the default target makes, but for the audit, which comes after it."""
        root = f"results/{self.config.dataset}"
        return [
            f"{root}/report",
            *(f"{root}/export/{g}" for g in self.generators if self.trained.synthetic(g)),
            *self.own(self.whole.masks() + self.whole.images()),
        ]

    def command(self, wildcards: Any) -> str:
        """The command that makes these results."""
        files = shlex.join(os.path.relpath(f) for f in self.configfiles)
        given = [f"--configfile {files}"] if files else []
        wanted = [f"-- results/{d}/report" for d in self.others if d == wildcards.get("dataset")]
        return " ".join(["snakemake --cores all", *given, *wanted])

    def training_metrics(self) -> list[str]:
        """Metrics files of all trainings, with the dataset left as a wildcard."""
        return self.trained.metrics() + self.runs(".metrics.jsonl") + self.detectors(".metrics.jsonl")
