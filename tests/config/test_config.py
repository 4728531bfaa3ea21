import subprocess
import sys
from typing import Any

import pytest

from landloom.config import Config, load, merge
from landloom.config.plan import PlanConfig
from landloom.errors import InputError

CLASSES = [
    {"name": "water", "values": [1], "color": "#1f77b4"},
    {"name": "forest", "values": [2, 3], "color": "#2ca02c"},
]


def raw(**more: Any) -> dict[str, Any]:
    data = {"images": "i/{s}.tif", "masks": "m/{s}.tif", "classes": CLASSES}
    return {"dataset": "tiny", "data": data | more.pop("data", {})} | more


def test_defaults_fill_every_section() -> None:
    config = load(raw())
    assert (config.tile.size, config.data.ignore, list(config.generators)) == (512, [], ["landloom"])


@pytest.mark.parametrize(("bands", "rgb"), [(1, [1]), (2, [1]), (3, [1, 2, 3]), (7, [1, 2, 3])])
def test_a_picture_takes_the_bands_there_are(bands: int, rgb: list[int]) -> None:
    assert load(raw()).data.picture(bands) == rgb
    assert load(raw(data={"rgb": [4, 3, 2]})).data.picture(bands) == [4, 3, 2]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"name": False}, "False"),  # YAML 1.1 reads 'no' so
        ({"name": True}, "True"),
        ({"name": None}, "None"),
        ({"name": 1}, "1"),
        ({"color": None}, "None"),  # '#1f77b4' without quotes is a comment
        ({"color": 123456}, "123456"),
        ({"values": [None]}, "None"),
        ({"values": None}, "None"),
    ],
)
def test_what_yaml_takes_for_something_else_wants_quotes(change: dict[str, Any], found: str) -> None:
    classes = [CLASSES[0] | change, CLASSES[1]]
    with pytest.raises(InputError, match=rf"\(found {found}\); put it in quotes"):
        load(raw(data={"classes": classes}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tile": {"sise": 64}}, r"tile\.sise: no such key \(is it misspelt\?\)"),
        ({"tile": {"size": 63}}, r"tile\.size: .*multiple of 8 \(found 63\)"),
        ({"tile": {"size": 64, "stride": 65}}, "stride must not exceed size"),
        ({"dataset": "a/b"}, "the name 'a/b' may hold letters"),
        ({"data": {"manifest": "m.csv"}}, "exactly one of images"),
        ({"data": {"rgb": [1, 2]}}, "rgb takes three bands, or one for grey"),
        ({"data": {"masks": None}}, "images and masks belong together"),
        ({"data": {"ignore": [3]}}, "mask value given twice: 3"),
        ({"data": {"ignore": ["#000000"]}}, "all integers or all colours"),
        (
            {"data": {"classes": [*CLASSES, {"name": "id", "values": [9], "color": "#000000"}]}},
            "cannot be called id",
        ),
        ({"data": {"split": {"val": 0.5, "test": 0.5}}}, "nothing would be left to train on"),
        ({"data": {"split": {"test": -0.1}}}, "shares from 0"),
        ({"data": {"split": {"by": "block", "val": ["a*"]}}}, "block takes shares"),
        ({"ratios": {"scale": "range"}}, "range is needed"),
        ({"ratios": {"percentiles": [99, 1]}}, "percentiles must ascend"),
        (
            {"caption": {"mask_template": "{ratio}"}},
            r"caption\.mask_template: .*\{ratios\} only, not \{ratio\}",
        ),
    ],
)
def test_mistakes_name_the_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(raw(**changes))


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(InputError) as error:
        load(raw(tile={"sise": 1}, check={"mask_pixels": -1}))
    assert all(field in str(error.value) for field in ("tile.sise", "check.mask_pixels", "config/README.md"))


def test_merge_goes_into_mappings_and_replaces_lists() -> None:
    assert merge({"a": {"x": 1, "y": [1, 2]}}, {"a": {"y": [3]}, "b": 2}) == {"a": {"x": 1, "y": [3]}, "b": 2}


def test_a_generator_differs_only_where_it_says() -> None:
    config = load(raw(plan={"count": 10, "shards": 3}, generators={"a": {}, "b": {"plan": {"count": 99}}}))
    assert (config.plan_of("a").count, config.plan_of("b").count, config.plan_of("b").shards) == (10, 99, 3)
    assert isinstance(config.section("plan", "b"), PlanConfig)
    assert config.section("tile", "b") == config.tile


@pytest.mark.parametrize(
    ("generators", "message"),
    [
        ({"real": {}}, "'real' is taken"),
        ({"a": {"tile": {"size": 64}}}, "tile cannot differ between generators"),
        ({"a": {"plan": {"cuont": 1}}}, "cuont"),
        (
            {"a": {"plan": {"mixes": {"rare": {"goal": "boost", "boost": {"watr": 2}}}}}},
            "no class is called watr",
        ),
    ],
)
def test_wrong_generators_are_found_at_load_time(generators: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(raw(generators=generators))


def test_the_label_table_samples_from_models_whatever_the_generators_do() -> None:
    config = load(raw(label_sample={"source": "real", "steps": 7}, image_sample={"source": "real"}))
    assert config.section("label_sample", "landloom").model_dump()["source"] == "real"
    row = config.section("label_sample", "label_table/lora").model_dump()
    assert (row["source"], row["steps"]) == ("model", 7)


def test_sections_survive_the_command_line() -> None:
    config = load(raw(data={"nodata": -1, "split": {"by": "block", "block": 64}}))
    assert Config.model_validate_json(config.model_dump_json()) == config


def test_import_is_light() -> None:
    code = "import sys, landloom.config; print({'torch', 'numpy', 'rasterio', 'pandas'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "set()\n"
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"bands": []}, r"data\.bands: list should have at least 1 item"),
        ({"images": []}, "images is empty"),
        ({"nodata": float("nan")}, "data.nodata: nan is missing in any band anyway"),
        ({"nodata": "-inf"}, "data.nodata: -inf is missing in any band anyway"),
        ({"split": {"val": "s3"}}, r"data\.split\.val: 's3' is neither a share .* as \['s3'\]\. Fix"),
        ({"split": {"test": [7]}}, r"data\.split\.test: 7 is not the name of a scene for YAML; put it in"),
        ({"ignore": [True]}, r"data\.ignore\.0: true is not a mask value"),
        ({"ignore": [0.5]}, r"data\.ignore\.0: 0\.5 is not a mask value"),
        ({"ignore": [[255, 0, 0]]}, r"data\.ignore\.0: \[255, 0, 0\] is not a mask value; write a colour"),
        ({"classes": [CLASSES[0] | {"name": "mean"}, CLASSES[1]]}, "a class cannot be called mean"),
        ({"classes": [CLASSES[0] | {"name": " a"}, CLASSES[1]]}, "' a' is blank, has spaces at its ends"),
        ({"classes": [CLASSES[0]] * 300}, r"not 300 \(found .{80} \.\.\.\)"),
    ],
)
def test_wrong_data_is_told_once(data: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        load(raw(data=data))
    assert str(error.value).count(";") <= 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tile": None}, "tile: is empty; give it a key, or remove it"),
        ({"tile": 32}, "tile: found 32, where keys and values are expected"),
        ({"generators": {"a": None}}, r"generators\.a: is empty; .* write {}"),
        ({"generators": {"Tiles": {}}}, "the name 'Tiles' is taken"),
        ({"generators": {"check.json": {}}}, "the name 'check.json' is taken"),
        ({"seed": -1}, "seed: input should be greater than or equal to 0"),
        ({"segment": {"seeds": [-1]}}, "greater than or equal to 0"),
        (
            {"segment": {"networks": {"a": {"baseline": "b"}, "c": {}}}},
            "networks.a.baseline: 'b' is no network that is trained on pairs; name one of c",
        ),
        ({"ratios": {"scale": "range", "range": [0, float("inf")]}}, "should be a finite number"),
        ({"mix": {"ratios": [0.33333333, 0.33333332]}}, "a ratio is given twice; they are told apart by six"),
        (
            {"plan": {"mixes": {"a": {"goal": "boost", "boost": {"water": float("nan")}}}}},
            "should be a finite number",
        ),
    ],
)
def test_what_would_fail_late_or_in_silence_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(raw(**changes))


def test_conditions_are_switched_on_by_their_section() -> None:
    on = {"image_train": {"metadata": {}, "low_resolution": {"factor": 4}}, "label_train": {"metadata": {}}}
    guides = {"image_sample": {"guidance": {"text": 3, "metadata": 1.5, "low_resolution": 2}}}
    config = load(raw(encode={"low_resolution": {"factor": 4}}, **on, **guides))
    assert config.image_train.metadata is not None
    assert config.image_sample.scales == {"text": 3, "metadata": 1.5, "low_resolution": 2}
    assert load(raw()).image_sample.scales == {"text": 3}
    # What a stage gets leaves defaults out; an empty section must stay there.
    sent = config.image_train.model_dump_json(exclude_defaults=True)
    assert type(config.image_train).model_validate_json(sent) == config.image_train
    assert load(raw()).image_train.model_dump_json(exclude_defaults=True) == "{}"


def test_rows_of_the_label_table_are_of_models_unless_they_say_otherwise() -> None:
    rows = {"a": {}, "b": {"label_sample": {"source": "quilt"}}}
    found = Config.model_validate(raw(label_sample={"source": "quilt"}, label_table={"generators": rows}))
    sources = [found.section("label_sample", f"label_table/{n}").model_dump()["source"] for n in rows]
    assert sources == ["model", "quilt"]


LABELS = [{"name": n, "values": [i], "color": "#000000"} for i, n in enumerate(("land", "road", "house"))]
NO_VALUES = [{k: v for k, v in c.items() if k != "values"} for c in LABELS]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"masks": {}}, "masks is empty"),
        ({"masks": {"lake": "{s}.png"}}, "masks: 'lake' is no class; they are land, road, house"),
        ({"masks": {"road": "{s}.png"}}, "masks: class 'land' has no file; give it one, or name it as rest"),
        ({"rest": "sea", "masks": "{s}.gpkg"}, "rest: 'sea' is no class"),
        (
            {"rest": "land"},
            "rest: 'm/{s}.png' holds pixels of all classes; it is for vectors and for one file",
        ),
        (
            {"vectors": {"attribute": "a"}},
            "vectors: 'm/{s}.png' holds pixels of all classes; it is for vectors",
        ),
        (
            {"masks": "{s}.gpkg"},
            "masks: '{s}.gpkg' holds shapes, and nothing says their class; set vectors.att",
        ),
        (
            {"masks": "{s}.gpkg", "rest": "land", "vectors": {"attribute": "a"}},
            "class 'land' has values or a",
        ),
        ({"classes": NO_VALUES}, "classes: 'land' has no values; list at least one"),
        ({"classes": [LABELS[0], LABELS[1] | {"values": ["tarmac"]}]}, "'tarmac' is not a colour"),
        (
            {"masks": {n["name"]: "{s}.png" for n in LABELS}, "vectors": {"attribute": "a"}},
            "masks has a file for",
        ),
        ({"align": "cubic"}, "data.align: input should be 'none' or 'nearest'"),
    ],
)
def test_labels_that_nothing_says(data: dict[str, Any], message: str) -> None:
    given = {"images": "i/{s}.png", "masks": "m/{s}.png", "classes": LABELS} | data
    with pytest.raises(InputError) as error:
        load(raw() | {"data": given})
    assert message in str(error.value)


@pytest.mark.parametrize(
    "data",
    [
        {"masks": {n["name"]: "{s}.png" for n in LABELS}, "classes": NO_VALUES},
        {"masks": {"road": "r.gpkg", "house": "{s}.png"}, "classes": NO_VALUES, "rest": "land"},
        {"masks": "all.gpkg", "classes": NO_VALUES[:2], "rest": "land"},
        {"masks": "all.gpkg", "classes": LABELS, "vectors": {"attribute": "kind"}},
        {"masks": {n["name"]: "{s}.png" for n in LABELS}, "classes": [c | {"values": [1]} for c in LABELS]},
    ],
)
def test_each_class_comes_from_somewhere(data: dict[str, Any]) -> None:
    config = load(raw() | {"data": {"images": "i/{s}.png"} | data})
    assert Config.model_validate_json(config.model_dump_json(exclude_defaults=True)) == config
