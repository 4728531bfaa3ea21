import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from landloom.errors import InputError
from landloom.orchestration import shares, trained_models
from landloom.orchestration.dag import Dag
from landloom.orchestration.job_path import put_on_path

ROOT = Path(__file__).parents[2]
LORA = {"base": {"masks": True}, "label_train": {"backend": "lora"}, "label_table": {}}
OVERSAMPLING = {"label_sample": {"source": "real"}, "image_sample": {"source": "real"}}


class Wildcards(SimpleNamespace):
    """Stands in for Snakemake's wildcards."""

    def get(self, key: str, default: str | None = None) -> Any:
        return getattr(self, key, default)


def dag(**more: Any) -> Dag:
    raw = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    return Dag(raw | more)


def test_generators_override_their_sections() -> None:
    generators = {"big": {"label_train": {"steps": 77, "proportion": {"weight": 0}}}}
    section = dag(generators=generators).section("label_train")
    assert '"steps":77' in section(Wildcards(generator="big"))
    assert '"weight":0' in section(Wildcards(generator="big"))
    assert '"rank"' not in section(Wildcards(generator="big"))  # defaults keep commands short


def test_a_generator_of_real_data_needs_no_models() -> None:
    made = dag(generators={"new": {}, "again": OVERSAMPLING})
    assert made.trained.label_models(Wildcards(dataset="d", generator="again")) == {}
    options = trained_models.words(made.trained.image_models, made.lists)
    assert options(Wildcards(dataset="d", generator="again")) == ""
    new = options(Wildcards(dataset="d", generator="new"))
    assert new == "--base results/d/base --controlnet results/d/new/image"
    assert [made.trained.synthetic(g) for g in ("new", "again")] == [True, False]


@pytest.mark.parametrize("backend", ["pix2pix", "cyclegan"])
def test_baselines_ask_for_no_base_and_no_latents(backend: str) -> None:
    made = dag(generators={"p": {"image_train": {"backend": backend}, "label_sample": {"source": "real"}}})
    p = Wildcards(dataset="d", generator="p")
    assert made.trained.image_data(p) == {"tiles": ["results/d/tiles/raleigh.parquet"]}
    assert made.trained.image_models(p) == {"translator": ["results/d/p/image"]}
    assert not any("base" in m for m in made.training_metrics())


def test_a_generator_may_begin_from_another_or_from_a_folder(tmp_path: Path) -> None:
    def inputs(start: Path | str) -> dict[str, list[str]]:
        made = dag(generators={"first": {}, "next": {"image_train": {"start": str(start)}}})
        name = made.config.dataset
        return made.trained.image_data(Wildcards(dataset=name, generator="next"))

    of_first = f"results/{dag().config.dataset}/first/image"
    assert inputs(of_first)["start"] == [of_first]  # the run itself makes it, before
    with pytest.raises(InputError, match=r"image_train\.start: .* holds no config\.json"):
        inputs(tmp_path)
    with pytest.raises(InputError, match=r"image_train\.start: .*/next/image holds no config\.json"):
        inputs(of_first.replace("first", "next"))
    (tmp_path / "config.json").write_text("{}")
    assert inputs(tmp_path)["start"] == [str(tmp_path)]


def test_tile_is_told_what_a_manifest_says_of_day_and_cloud() -> None:
    w, data = Wildcards(scene="00000"), yaml.safe_load((ROOT / "config/config.yaml").read_text())["data"]
    (raleigh,) = data["scenes"]
    tile = {"size": 64, "scenes_per_shard": 2}
    assert dag(tile=tile).told.options(w) == ""  # commands stay as they were
    dated = raleigh | {"acquired": "2000-10-02"}
    made = dag(tile=tile, data=data | {"scenes": [dated, raleigh | {"name": "other"}]})
    assert made.told.options(w) == "--acquired unknown 2000-10-02"
    cloudy = dag(tile=tile, data=data | {"scenes": [dated | {"cloud": 0.25}]})
    assert cloudy.told.options(w) == "--acquired 2000-10-02 --cloud 0.25"


def test_tile_is_told_of_the_other_days_of_its_places() -> None:
    (raleigh,) = yaml.safe_load((ROOT / "config/config.yaml").read_text())["data"]["scenes"]
    days = {"a": "2000-10-02", "b": None, "c": "2001-10-02", "lone": "2001-10-02", "free": None}
    scenes = [raleigh | {"name": n, "images": [f"{n}.tif"], "acquired": d} for n, d in days.items()]
    for scene, place in zip(scenes, ["farm", "farm", "farm", "lake", None], strict=True):
        scene |= {} if place is None else {"place": place}
    data = yaml.safe_load((ROOT / "config/config.yaml").read_text())["data"] | {"scenes": scenes}
    off, on = (dag(tile={"size": 64} | more, data=data).told for more in ({}, {"dates": {}}))
    a, lone, free = (Wildcards(scene=n) for n in ("a", "lone", "free"))
    assert (off.references(a), off.options(a)) == ([], "--acquired 2000-10-02 --place farm")
    assert on.references(a) == ["a.tif", "b.tif", "c.tif"]
    assert on.options(a) == (
        "--acquired 2000-10-02 --place farm --reference a.tif b.tif c.tif --reference-scene a b c "
        "--reference-place farm farm farm --reference-acquired 2000-10-02 unknown 2001-10-02"
    )
    assert (on.references(lone), on.options(lone)) == ([], "--acquired 2001-10-02 --place lake")
    assert (on.references(free), on.options(free)) == ([], "")


def test_equal_trainings_share_one_model() -> None:
    own = {"image_train": {"steps": 7}}
    strict = own | {"curate": {"min_agreement": 0.5}}
    made = dag(**LORA, generators={"f": {}, "a": own, "b": strict, "r": OVERSAMPLING})
    w = {g: Wildcards(dataset="landsat7", generator=g) for g in "fabr"}
    images = [made.trained.image_models(w[g]).get("controlnet") for g in "fabr"]
    assert images == [[f"results/landsat7/{g}/image"] for g in "faa"] + [None]
    assert [made.trained.owner(g, "label") for g in ("a", "b", "label_table/lora-loss")] == ["f"] * 3
    named = [p for p in made.training_metrics() if "segment" not in p]
    assert [p.removeprefix("results/{dataset}/") for p in named[2:]] == [
        "f/label.metrics.jsonl", "f/image.metrics.jsonl", "a/image.metrics.jsonl",
    ]  # fmt: skip


def test_collages_ask_for_tiles_and_count_as_new() -> None:
    paste = {"image_sample": {"source": "collage"}}
    start = {"image_sample": {"collage": {"strength": 0.5}}}
    made = dag(generators={"paste": paste, "start": start, "pure": {}})
    tiles = ["results/landsat7/tiles/raleigh.parquet"]
    w = {g: Wildcards(dataset="landsat7", generator=g) for g in ("paste", "start", "pure")}
    assert made.trained.image_models(w["paste"]) == {"tiles": tiles}
    assert made.trained.image_models(w["start"])["tiles"] == tiles
    assert "tiles" not in made.trained.image_models(w["pure"])
    assert made.trained.synthetic("paste")
    assert made.known(w["paste"]) == ["results/landsat7/features/raleigh.safetensors"]
    assert not any("/paste/image" in m for m in made.training_metrics())


def test_what_a_back_end_does_not_read_does_not_run_it_again() -> None:
    generators = {
        "net": {"image_train": {"objective": "one_step"}, "image_sample": {"steps": 1, "guidance": 1}},
        "p": {"image_train": {"backend": "pix2pix"}, "image_sample": {"collage": {"strength": 1}}},
        "paste": {"image_sample": {"source": "collage"}},
    }

    def sections(strength: float = 0.1, width: int = 32, candidates: int = 9) -> dict[str, str]:
        made = dag(
            tile={"size": 64},
            generators=generators,
            image_train={"one_step": {"strength": strength}, "pix2pix": {"width": width}},
            image_sample={"collage": {"strength": strength, "candidates": candidates}},
        )
        stages = ("image_train", "image_sample")
        return {f"{g} {s}": made.section(s)(Wildcards(generator=g)) for g in generators for s in stages}

    first = sections()

    def differ(**more: Any) -> set[str]:
        other = sections(**more)
        return {k for k in first if first[k] != other[k]}

    assert differ(strength=0.2) == {"net image_train", "net image_sample"}
    assert differ(width=16) == {"p image_train"}
    assert differ(candidates=8) == {"net image_sample", "paste image_sample"}


@pytest.mark.parametrize("source", ["real", "collage"])
def test_generators_without_a_model_are_not_sampled_again(source: str) -> None:
    own = {"label_sample": {"source": "real"}, "image_sample": {"source": source}}

    def sections(**more: Any) -> list[str]:
        made = dag(generators={"g": {}, "again": own}, **more)
        return [made.section(s)(Wildcards(generator="again")) for s in ("label_sample", "image_sample")]

    sampling = {"steps": 7, "guidance": 2, "batch": 5, "precision": "bf16"}
    levers = {"control": {"tries": 3}, "refine": 1}
    assert sections() == sections(image_sample=sampling | {"solver": "dpm++"}, label_sample=sampling | levers)


def test_feedback_asks_for_the_judge() -> None:
    made = dag(generators={"f": {"image_sample": {"feedback": {"weight": 0.1}}}, "g": {}})
    found = [made.trained.image_models(Wildcards(dataset="landsat7", generator=g)) for g in "fg"]
    assert [f.get("judge") for f in found] == [["results/landsat7/segment/real/0/deeplabv3plus/0"], None]


def test_other_networks_and_seeds_are_not_part_of_a_training() -> None:
    wildcards = Wildcards(generator="real", network="pspnet", seed="0", ratio="0")
    section = dag().section("segment")(wildcards)
    assert "PSPNet" in section
    assert "DeepLabV3Plus" not in section
    assert "seeds" not in section


def test_a_categorical_generator_needs_no_base() -> None:
    own = {"label_train": {"backend": "categorical"}}
    made = dag(**LORA, generators={"g": {}, "h": own})
    wildcards = Wildcards(dataset="d", generator="h")
    assert trained_models.files(made.trained.label_models)(wildcards) == ["results/d/h/label"]
    assert (
        trained_models.words(made.trained.label_models, made.lists)(wildcards) == "--model results/d/h/label"
    )
    assert made.trained.label_data(wildcards) == {"tiles": ["results/d/tiles/raleigh.parquet"]}
    assert (
        trained_models.words(made.trained.label_data, made.lists)(wildcards)
        == "--tiles results/d/tiles/raleigh.parquet"
    )
    lora = Wildcards(dataset="d", generator="label_table/lora")
    assert list(made.trained.label_data(lora)) == ["base", "latents"]


def test_a_lora_needs_a_base_that_knows_masks() -> None:
    own = {"label_train": {"backend": "categorical"}}
    made = dag(**LORA | {"base": {"masks": False}}, generators={"g": own})
    with pytest.raises(InputError, match=r"base\.masks: is false, but the masks of label_table/lora"):
        made.trained.label_data(Wildcards(dataset="d", generator="label_table/lora"))
    with pytest.raises(InputError, match=r"base\.masks: is false, but the masks of generator 'h'"):
        dag(base={"masks": False}, generators={"g": own, "h": {"label_train": {"backend": "lora"}}})


def test_default_rows_that_do_not_go_with_the_config_stop_the_table_alone() -> None:
    raw = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    del raw["label_table"]
    made = Dag(raw | {"tile": {"size": 72}, "label_train": {"backend": "lora"}, "base": {"masks": True}})
    assert made.trained.label_models(Wildcards(dataset="d", generator="diffusion"))
    with pytest.raises(InputError, match=r"^label_table/categorical-best: tile\.size: 72 is no"):
        made.trained.label_models(Wildcards(dataset="d", generator="label_table/categorical-best"))


def test_generators_of_the_label_table_share_models() -> None:
    made = dag(**LORA, label_sample={"guidance": 5.0})
    wildcards = Wildcards(dataset="d", generator="label_table/categorical-best")
    assert made.trained.label_models(wildcards) == {"model": ["results/d/label_table/categorical/label"]}
    assert json.loads(made.section("label_sample")(wildcards)) == {"guidance": 5.0, "control": {"tries": 4}}
    assert made.plan_split(wildcards) == "test"
    assert made.plan_split(Wildcards(dataset="d", generator="landloom")) == "train"
    assert len(made.table_masks()) == 12
    assert "label_table/lora" in made.patterns()["generator"].replace("\\", "")


def test_the_ablation_is_in_the_report_only_on_demand() -> None:
    w = Wildcards(dataset="landsat7")
    assert not any("ablation" in t for t in dag().tables(w))
    assert any("label_ablation.csv" in t for t in dag(report={"label_table": True}).tables(w))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"generators": {"a": {"label_train": {"stepz": 1}}}}, r"generators\.a\.label_train\.stepz: no such"),
        ({"plan": {"mixes": {"m": {"goal": "boost", "boost": {"lava": 2}}}}}, "no class is called lava"),
    ],
)
def test_errors_in_the_label_table_name_the_row(table: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dag(label_table=table)


def test_runs_cover_every_mix_network_and_seed_once() -> None:
    made = dag()
    runs = made.runs()
    assert len(runs) == len(set(runs)) == 4 * 2 * 2
    assert "results/{dataset}/segment/real/0/pspnet/1" in runs
    assert "results/landsat7/segment/real/0/pspnet/1" in made.own(runs)


def test_shards_follow_the_plan() -> None:
    made = dag(plan={"count": 10, "shards": 3}, generators={"g": {"plan": {"shards": 2}}, "h": {}})
    names = [Path(p).name for p in made.all_shards("pairs")]
    assert names == ["0.parquet", "1.parquet", "0.parquet", "1.parquet", "2.parquet"]


def sections(made: Dag, dataset: str) -> dict[str, str]:
    """What jobs of a dataset are told."""
    w = Wildcards(dataset=dataset, generator="next", network="pspnet")
    stages = ("data", "tile", "base", "image_train", "image_sample", "mix", "segment", "evaluate", "curate")
    return {s: made.section(s)(w) for s in stages}


def test_shares_of_labels_differ_in_data_alone_and_in_the_models_they_begin_from() -> None:
    generators = {"first": {}, "next": {"image_train": {"start": "results/landsat7/first/image"}}}
    made = dag(generators=generators, evidence={"labelled": [0.25, 1.0]})
    whole, part = sections(made, "landsat7"), sections(made, "landsat7-labelled-0.25")
    assert {s for s in whole if whole[s] != part[s]} == {"data", "image_train"}
    assert json.loads(part["data"])["split"]["labelled"] == 0.25
    w = Wildcards(dataset="landsat7-labelled-0.25", generator="next")
    assert made.image_data(w)["start"] == ["results/landsat7-labelled-0.25/first/image"]
    assert json.loads(made.settings(w))["dataset"] == "landsat7-labelled-0.25"
    assert made.command(w).endswith("-- results/landsat7-labelled-0.25/report")


def test_scenes_beyond_the_share_have_no_mask() -> None:
    data = many(10) | {"split": {"by": "scene", "val": ["s0"], "test": ["s1"]}}
    made = dag(data=data, evidence={"labelled": [0.25, 1.0]})
    splits = {d: {s: made.split(Wildcards(dataset=d, scene=s)) for s in made.parts}
              for d in ("landsat7", "landsat7-labelled-0.25")}  # fmt: skip
    counts = {d: list(found.values()).count("train") for d, found in splits.items()}
    assert counts == {"landsat7": 8, "landsat7-labelled-0.25": 2}
    for scene, split in splits["landsat7-labelled-0.25"].items():
        w = Wildcards(dataset="landsat7-labelled-0.25", scene=scene)
        assert len(made.masks(w)) == (split != "unlabelled")
        assert len(made.masks(Wildcards(dataset="landsat7", scene=scene))) == 1
    # The check looks at the files that the share uses, and at no others.
    assert len(made.rasters(w)) == len(made.files(None)) - 6


def test_the_share_of_the_run_itself_is_not_made_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for i in range(10):
        Path(f"{i}.tif").touch()
        Path(f"{i}.png").touch()
    data = many(10, ".") | {"split": {"by": "scene", "val": ["s0"], "test": ["s1"], "labelled": 0.5}}
    made = dag(data=data, evidence={"labelled": [0.5, 1.0]})
    assert shares.tables(made, "gain")(Wildcards()) == [
        "results/landsat7/evaluation/gain.csv", "results/landsat7-labelled-1/evaluation/gain.csv",
    ]  # fmt: skip
    # Scenes are counted with all labels, not with those of the run.
    with pytest.raises(
        InputError, match=r"evidence\.labelled: 0\.05, 0\.1 of 8 train scenes is .*Give 0\.125"
    ):
        shares.tables(dag(data=data, evidence={"labelled": [0.05, 0.1, 0.5]}), "gain")(Wildcards())
    # A mask that this run does not use may be missing, but not where another share uses it.
    hidden = next(s for s, split in made.splits.items() if split == "unlabelled")
    Path(f"{hidden[1:]}.png").unlink()
    made = dag(data=data, evidence={"labelled": [0.5, 1.0]})
    made.require_files()
    with pytest.raises(InputError, match=rf"the mask of scene '{hidden}' does not exist"):
        shares.tables(made, "gain")(Wildcards())


def test_the_evidence_is_in_the_report_of_the_run_on_demand() -> None:
    w = {d: Wildcards(dataset=d) for d in ("landsat7", "landsat7-labelled-0.25")}
    some = {"evidence": {"labelled": [0.25, 1.0]}}
    assert shares.shown(dag(**some))(w["landsat7"]) == []
    made = dag(**some, report={"evidence": True})
    found = [shares.shown(made)(w[d]) for d in w]
    assert found == [["results/landsat7/evidence/gain.csv"], []]


def test_the_label_table_is_in_the_report_of_the_run_alone() -> None:
    made = dag(report={"label_table": True}, evidence={"labelled": [0.25, 1.0]})
    assert not any("ablation" in t for t in made.tables(Wildcards(dataset="landsat7-labelled-0.25")))


def many(count: int, folder: str = "long" * 25) -> dict[str, Any]:
    """A data section with listed scenes that are nowhere."""
    scenes = [{"name": f"s{i}", "images": [f"{folder}/{i}.tif"], "mask": f"{i}.png"} for i in range(count)]
    data = yaml.safe_load((ROOT / "config/config.yaml").read_text())["data"]
    return data | {
        "scenes": scenes,
        "split": {"by": "scene", "val": ["s1"], "test": ["s2"]},
        "rgb": [1, 1, 1],
    }


@pytest.mark.parametrize("size", [1, 500])
def test_no_list_is_too_long_for_a_command(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    few = {"landloom": {}, "b": {}, "c": {}}
    plan = {"count": 6000, "shards": 3000}
    made = dag(data=many(3000), tile={"scenes_per_shard": size}, generators=few, plan=plan)
    w = Wildcards(dataset="landsat7", generator="landloom", scene=next(iter(made.parts)))
    inputs = SimpleNamespace(images=made.images(w), runs=made.runs(), curated=made.all_shards("curated"))
    words = [made.lists.of(name)(w, inputs) for name in vars(inputs)]
    words += [trained_models.words(made.trained.image_data, made.lists)(w), made.levels.words(w)]
    words += [made.split(w), made.section("data")(w), made.settings(w)]
    assert sum(map(len, words)) < 12_000
    assert not list(tmp_path.iterdir())  # nothing was written


def test_a_line_break_in_a_path_is_named() -> None:
    with pytest.raises(InputError, match=r"a\\nb/0\.tif.*line break"):
        dag(data=many(3, "a\nb")).require_files()


def test_the_judge_is_trained_on_real_data() -> None:
    assert (
        dag()
        .judge(Wildcards(dataset="landsat7", generator="landloom"))
        .startswith("results/landsat7/segment/real/0/")
    )


def test_memory_grows_with_attempts() -> None:
    asked = dag().memory("mix")
    assert [asked(Wildcards(dataset="d"), None, attempt=a) for a in (1, 2, 3)] == [2000, 4000, 6000]


def test_the_path_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "old")
    put_on_path(Path("new"))
    import os

    assert os.environ["PYTHONPATH"].split(os.pathsep) == ["new", "old"]


def test_errors_name_the_config_field() -> None:
    with pytest.raises(InputError, match=r"curate\.network: 'nobody'"):
        dag(curate={"network": "nobody"})


MODEL = {"backend": "openai", "endpoint": {"url": "http://127.0.0.1:8000/v1", "model": "m"}}


def test_a_plan_draws_from_the_captions_of_a_model() -> None:
    generators = {"g": {}, "t": {"plan": {"captions": "template"}}, "b": {"plan": {"captions": "bank"}}}
    wildcards = [Wildcards(dataset="d", generator=g) for g in generators]
    by_model = dag(caption=MODEL, generators=generators)
    assert [len(by_model.bank(w)) for w in wildcards] == [1, 0, 1]
    by_template = dag(generators=generators)
    assert [by_template.bank(w) for w in wildcards] == [[], [], ["results/d/captions/raleigh.parquet"]]


def test_a_plan_depends_on_the_templates_alone() -> None:
    assert dag().words(None) == dag(caption=MODEL).words(None) == "{}"
    assert dag(caption=MODEL | {"step": 5}).words(None) == '{"step":5}'


def test_tokens_are_counted_by_a_base_that_is_given() -> None:
    assert dag().tokenizer(None) == ""
    given = dag(base={"source": "owner/model", "revision": "abc", "augment": "flip"})
    assert given.tokenizer(None) == """--base '{"source": "owner/model", "revision": "abc"}'"""


def test_only_a_local_model_needs_a_gpu() -> None:
    local = dag(caption={"backend": "qwen_vl", "qwen_vl": {"source": "models/qwen"}})
    assert (gpus(local, "caption"), local.captioner.endpoint) == (1, 0)
    assert (gpus(dag(), "caption"), dag(caption=MODEL).captioner.endpoint) == (0, 1)
    serve = {"endpoint": {"serve": ["vllm", "serve", "qwen", "--port", "{port}"], "model": "qwen"}}
    own = dag(caption={"backend": "openai"} | serve)  # the model is in the job
    assert (gpus(own, "caption"), own.captioner.endpoint) == (1, 0)
    assert own.captioner.memory == local.captioner.memory


def gpus(made: Dag, stage: str, **wildcards: str) -> int:
    return made.gpus(stage)(Wildcards(dataset="d", **wildcards))


def test_each_process_of_a_training_has_a_gpu_and_real_tiles_need_none() -> None:
    made = dag(
        base={"processes": 2, "vae": {"batch": 4}, "unet": {"batch": 4}},
        image_train={"processes": 4, "batch": 8},
        generators={"g": {}, "old": {"label_sample": {"source": "real"}, "image_sample": {"source": "real"}}},
    )
    assert [gpus(made, s) for s in ("base", "label_train", "image_train", "tile")] == [2, 1, 4, 0]
    assert [gpus(made, "image_sample", generator=g) for g in ("g", "old")] == [1, 0]
    folder = dag(base={"source": "models/sd", "processes": 2})
    assert gpus(folder, "base") == 0  # it is copied


def test_images_are_compared_with_all_train_tiles_where_asked() -> None:
    """Without these files curate has no memorisation audit."""
    off, real = {"curate": {"memory": {"quantile": 0}}}, {"image_sample": {"source": "real"}}
    made = dag(generators={"g": {}, "off": off, "old": {"label_sample": {"source": "real"}} | real})
    found = [made.known(Wildcards(dataset="d", generator=g)) for g in ("g", "off", "old")]
    assert found == [[f"results/d/features/{s}.safetensors" for s in made.parts], [], []]
    assert found[0]


@pytest.mark.parametrize("place", ["image", "mask", "request"])
def test_braces_in_paths_are_named_before_snakemake_sees_them(tmp_path: Path, place: str) -> None:
    data = yaml.safe_load((ROOT / "config/config.yaml").read_text())["data"]
    files = {p: tmp_path / f"{p}.{'{x}.' if p == place else ''}tif" for p in ("image", "mask", "request")}
    for file in files.values():
        file.touch()
    scenes = [{"name": "a", "images": [str(files["image"])] * 6, "mask": str(files["mask"])}]
    mixes = {"mine": {"goal": "table", "file": str(files["request"]), "share": 1}}
    made = dag(data={"scenes": scenes, "classes": data["classes"], "rgb": data["rgb"]}, plan={"mixes": mixes})
    with pytest.raises(InputError, match=rf"{place}\.{{x}}\.tif: the path holds a brace.*Rename it"):
        made.require_files()


@pytest.mark.parametrize("name", ["a" * 101, "-a", ".a", "ä"])
def test_names_of_the_config_fit_into_paths(name: str) -> None:
    with pytest.raises(InputError, match="may hold letters"):
        dag(generators={name: {}})


def test_the_pattern_of_ratios_takes_large_and_small_ones() -> None:
    made = dag(mix={"ratios": [0.4, 2, 1e7, 1e-5]})
    assert all(re.fullmatch(made.patterns()["ratio"], r) for r in made.ratios)


PREDICTED = {"label_sample": {"source": "predicted"}, "image_sample": {"source": "real"}}


def test_pseudo_labels_ask_for_the_judge_and_are_not_exported() -> None:
    made = dag(generators={"new": {}, "guessed": PREDICTED | {"curate": {"network": None}}})
    w = Wildcards(dataset="d", generator="guessed")
    assert made.trained.label_models(w) == {"judge": [made.judge(w)]}
    assert made.trained.image_models(w) == {}
    assert [made.trained.synthetic(g) for g in ("new", "guessed")] == [True, False]
    assert not any("guessed" in m for m in made.trained.metrics())
    assert made.known(w) == []
    text = made.section("label_sample")(w)
    assert json.loads(text) == {"source": "predicted"}
    assert gpus(made, "label_sample", generator="guessed") == 1


def test_repainted_tiles_need_an_image_generator_alone() -> None:
    known = {"known_pixels": {}}
    own = {"label_sample": {"source": "repaint"}, "image_train": {"backend": "controlnet"} | known}
    made = dag(generators={"new": own}, encode=known)
    w = Wildcards(dataset="d", generator="new")
    assert made.trained.label_models(w) == {}
    assert set(made.trained.image_models(w)) == {"base", "controlnet"}
    assert gpus(made, "label_sample", generator="new") == 0
    assert json.loads(made.section("label_sample")(w)) == {"source": "repaint"}


@pytest.mark.parametrize(
    ("source", "other"),
    [
        ("model", {"predicted": {"tiles": 9}, "repaint": {"margin": 1}}),
        ("predicted", {"steps": 3}),
        ("repaint", {"smooth": 9, "looks": "any", "control": {"repair": True}}),
    ],
)
def test_masks_depend_on_no_setting_of_another_source(source: str, other: dict[str, Any]) -> None:
    def text(**more: Any) -> str:
        known = {"known_pixels": {}}
        own = {"label_sample": {"source": source} | more, "image_train": known}
        made = dag(generators={"g": own}, encode=known)
        return made.section("label_sample")(Wildcards(generator="g"))

    assert text() == text(**other)
    assert text(predicted={"threshold": 0.5}) == text() or source == "predicted"
    assert text(repaint={"margin": 9}) == text() or source == "repaint"


def test_pseudo_labels_need_scenes_without_labels(tmp_path: Path) -> None:
    for kind in ("images", "masks", "more"):
        for name in "abc":
            (tmp_path / kind / f"{kind[0]}{name}.tif").parent.mkdir(exist_ok=True)
            (tmp_path / kind / f"{kind[0]}{name}.tif").touch()
    data = yaml.safe_load((ROOT / "config/config.yaml").read_text())["data"]
    data = {k: data[k] for k in ("classes", "ignore") if k in data}
    data |= {"images": f"{tmp_path}/images/i{{s}}.tif", "masks": f"{tmp_path}/masks/m{{s}}.tif"}
    guessed = {"generators": {"g": PREDICTED}}
    with pytest.raises(InputError, match=r"'predicted' of generator 'g' needs unlabelled.*data\.unlabelled"):
        dag(data=data, **guessed).require_files()
    more = {"unlabelled": f"{tmp_path}/more/{{s}}.tif"}
    blocks = {"split": {"by": "block", "block": 512, "labelled": 0.5}}
    for given in (more, blocks):
        dag(data=data | given, **guessed).require_files()
    made = dag(data=data | more, **guessed)
    assert [made.splits[s] for s in ("ma", "mb", "mc")] == ["unlabelled"] * 3
    w = Wildcards(scene="ma")
    assert (made.images(w), made.masks(w), made.split(w)) == ([f"{tmp_path}/more/ma.tif"], [], "unlabelled")


def test_real_images_of_sampled_masks_are_still_refused() -> None:
    with pytest.raises(InputError, match=r"image_sample.source 'real' needs masks that bring an image"):
        dag(generators={"g": {"image_sample": {"source": "real"}}})
