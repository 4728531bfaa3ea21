import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from landloom.errors import InputError
from landloom.orchestration import trained_models
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


def test_runs_cover_every_mix_network_and_seed_once() -> None:
    made = dag()
    runs = made.runs()
    assert len(runs) == len(set(runs)) == 4 * 2 * 3
    assert "results/{dataset}/segment/real/0/pspnet/1" in runs
    assert "results/landsat7/segment/real/0/pspnet/1" in made.own(runs)


def test_shards_follow_the_plan() -> None:
    made = dag(plan={"count": 10, "shards": 3}, generators={"g": {"plan": {"shards": 2}}, "h": {}})
    names = [Path(p).name for p in made.all_shards("pairs")]
    assert names == ["0.parquet", "1.parquet", "0.parquet", "1.parquet", "2.parquet"]


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
