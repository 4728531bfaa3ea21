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


CATEGORICAL = {"label_train": {"backend": "categorical"}}
PIX2PIX = {"image_train": {"backend": "pix2pix"}}
ONE_STEP = {"image_train": {"objective": "one_step"}}
ONCE = {"image_sample": {"steps": 1, "guidance": 1}}
REAL = {"label_sample": {"source": "real"}, "image_sample": {"source": "real"}}
REPAINT = {
    "label_sample": {"source": "repaint"}, "image_train": {"known_pixels": {}}, "encode": {"known_pixels": {}}
}  # fmt: skip
NO_PROBE = {"proportion": {"weight": 0, "probe_steps": 0}}
LATENT = {"control": {"latent": 0.1}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"generators": {"g": CATEGORICAL}, "tile": {"size": 72}},
            r"tile\.size: 72 is no multiple of 16, which the masks of 'g'",
        ),
        (
            {"label_table": {"generators": {"v": CATEGORICAL}}, "tile": {"size": 72}},
            r"multiple of 16, which the masks of 'label_table/v'",
        ),
        ({"report": {"label_table": True}, "tile": {"size": 72}}, "masks of 'label_table/categorical'"),
        ({"generators": {"g": PIX2PIX}, "tile": {"size": 48}}, "48 cannot be halved 5 times"),
        (
            {
                "generators": {"g": PIX2PIX},
                "image_train": {"pix2pix": {"levels": 2}},
                "tile": {"size": 16},
            },
            r"16 is too small for pix2pix \('g'\), whose discriminator needs 24",
        ),
        (
            {"label_train": NO_PROBE, "label_sample": LATENT},
            r"latent: 0\.1 for 'landloom' needs the latent probe",
        ),
        (
            {
                "label_table": {"generators": {"b": {"label_train": NO_PROBE, "label_sample": LATENT}}},
            },
            "'label_table/b' needs the latent probe",
        ),
        (
            {"label_table": {"generators": {"a": {"image_train": {"steps": 3}}}}},
            r"label_table\.generators\.a: image_train cannot differ .* only label_train, label_sample can",
        ),
        (
            {"label_table": {"generators": {"a": {"label_sample": {"source": "real"}}}}},
            r"label_table\.generators\.a\.label_sample\.source: the table compares",
        ),
        (
            {
                "plan": {
                    "mixes": {"m": {"goal": "table", "partial": True, "table": [{"water": 0, "forest": 0.5}]}}
                }
            },
            r"plan\.mixes\.m: ratios of all classes must sum to one, these sum to 0\.5",
        ),
        ({"plan": {"mixes": {"very rare": {}}}}, "mixes: the name 'very rare' may hold letters"),
        (
            {"generators": {"g": PIX2PIX}, "image_sample": {"feedback": {"weight": 0.1}}},
            r"feedback\.weight: 0\.1 for 'g', but feedback is for ControlNets and its images come from pix2",
        ),
        (
            {"generators": {"g": PIX2PIX}, "image_sample": {"collage": {"strength": 0.5}}},
            r"strength: 0\.5 for 'g', but only a ControlNet can start .* its images come from pix2pix",
        ),
        (
            {"generators": {"g": ONE_STEP | {"image_sample": {"steps": 1, "collage": {"strength": 0.5}}}}},
            r"strength: 0\.5 for 'g', whose only step is practised at image_train\.one_step\.strength 1;",
        ),
        (
            {"image_sample": {"steps": 4, "collage": {"strength": 0.1}}},
            r"steps: 4 for 'landloom' are too few for a collage\.strength of 0\.1; take 10 or more, or 1",
        ),
        (
            {"image_sample": {"collage": {"source": "own", "strength": 0.1}}},
            r"collage\.source: 'own' for 'landloom', whose masks come from a model and bring no image",
        ),
        (
            {"image_sample": {"source": "real"}},
            r"generators\.landloom: image_sample\.source 'real' needs masks that bring an image",
        ),
        (
            {"generators": {"g": ONE_STEP}},
            r"steps: 20 and guidance: 3 for 'g', whose image_train\.objective is 'one_step'; set steps and",
        ),
        (
            {"generators": {"g": ONE_STEP | {"image_sample": {"steps": 1}}}},
            r"image_sample\.guidance: 3 for 'g', whose image_train\.objective",
        ),
        (
            {"generators": {"g": ONE_STEP | ONCE}, "tile": {"size": 32}},
            r"32 is too small for 'one_step' of 'g', whose discriminator of 2 layers needs 48",
        ),
        ({"tile": {"size": 24}, "base": {"vae": {"channels": [8] * 5}}}, "24 cannot be halved 4 times"),
        (
            {"image_train": {"channels": [16, 32, 96, 256]}},
            r"image_train\.channels: 4 for 'landloom' halve a mask 3 times, but .* 2 times; give 3,",
        ),
        (
            {"label_train": {"caption_dropout": 0}},
            r"label_sample\.guidance: 3 for 'landloom' .* label_train\.caption_dropout is 0",
        ),
        (
            {"label_sample": {"vector_guidance": 2}},
            r"vector_guidance: 2 for 'landloom' .* label_train\.vector\.tokens is 0",
        ),
        (
            {
                "label_sample": {"vector_guidance": 2},
                "label_train": {"backend": "categorical", "vector": {"dropout": 0}},
            },
            r"vector_guidance: 2 for 'landloom' .* label_train\.vector\.dropout is 0",
        ),
        (
            {"image_train": {"caption_dropout": 0}},
            r"image_sample\.guidance: 3 for 'landloom' .* image_train\.caption_dropout is 0",
        ),
        (
            {"image_sample": {"guidance": {"text": 2, "metadata": 1.5}}},
            r"guidance: 1\.5 for 'landloom' .* but image_train\.metadata\.dropout is not there; add that",
        ),
        (
            {"image_sample": {"guidance": {"metadata": 1.5}}, "image_train": {"metadata": {"dropout": 0}}},
            r"guidance: 1\.5 for 'landloom' .* image_train\.metadata\.dropout is 0; raise that",
        ),
        (
            {"image_train": {"low_resolution": {}}},
            r"image_train\.low_resolution: factor 8 for 'landloom', but encode\.low_resolution is off",
        ),
        (
            {"image_train": {"low_resolution": {}}, "encode": {"low_resolution": {"factor": 4}}},
            r"low_resolution: factor 8 .* encode\.low_resolution has factor 4; give encode\.low_resolution",
        ),
        (
            {
                "image_train": {"low_resolution": {"factor": 5}},
                "encode": {"low_resolution": {"factor": 5}},
            },
            r"low_resolution\.factor: 5 for 'landloom' does not divide tile\.size, 512",
        ),
        (
            {"image_train": {"embedding": {"grid": 2}}, "encode": {"embedding": {}}},
            r"embedding: extractor efficientnet_lite0, grid 2 for 'landloom', but encode\.embedding has .*4",
        ),
        (
            {"image_train": {"known_pixels": {}}},
            r"image_train\.known_pixels: on for 'landloom', but encode\.known_pixels is off; give encode\.kn",
        ),
        (
            {"image_train": {"known_pixels": {"least": 0.8}}, "encode": {"known_pixels": {}}},
            r"known_pixels: .*least, 0\.8, is above most, 0\.7",
        ),
        (
            {"image_sample": {"consistency": 0.5}},
            r"image_sample\.consistency: 0\.5 for 'landloom' needs a ControlNet that has learned coarse",
        ),
        (
            {"label_sample": {"source": "repaint"}},
            r"source: 'repaint' for 'landloom' needs an image generator that has learned known .* add image",
        ),
        (
            {"label_sample": {"source": "repaint"}, "image_train": {"backend": "pix2pix"}},
            r"'repaint' for 'landloom' needs a ControlNet, but image_train\.backend is 'pix2pix'",
        ),
        (
            {"label_sample": {"source": "repaint"}, "image_sample": {"source": "real"}},
            r"image_sample\.source 'real' needs masks that bring an image",
        ),
        (
            REPAINT | {"image_sample": {"collage": {"source": "own", "strength": 0.5}}},
            r"collage\.source: 'own' for 'landloom' would start from what is to be painted over",
        ),
        ({"label_sample": {"metadata": {"lon": 5}}}, "lon and lat belong together"),
        ({"label_sample": {"metadata": {"lon": [5, 6], "lat": 1}}}, "2 values of lon, but 1 of lat"),
        ({"label_sample": {"metadata": {"cloud": [0.1, 40]}}}, "cloud 40 is not within 0 to 1"),
        ({"label_sample": {"metadata": {"gsd": []}}}, "gsd is an empty list"),
        ({"data": {"day_in_name": "%y%m%d"}}, "'%y%m%d' holds no day; write it like '%Y%m%d'"),
        ({"base": {"vae": {"crop": 50}}}, r"base\.vae\.crop: 50 is no multiple of 4"),
        (
            {"generators": {"g": PIX2PIX}, "base": {"vae": {"crop": 50}}, "label_train": {"backend": "lora"}},
            "crop: 50",
        ),
    ],
)
def test_what_cannot_be_meant_together_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(raw(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"tile": {"size": 72}},
        {"tile": {"size": 72}, "generators": {"g": CATEGORICAL | PIX2PIX | REAL}},
        {"label_train": NO_PROBE | CATEGORICAL["label_train"], "label_sample": LATENT},
        {"label_train": NO_PROBE},
        {"image_train": {"channels": [16, 32, 96]}},
        {"image_train": {"channels": [16, 32]}, "generators": {"g": PIX2PIX | CATEGORICAL}},
        {"generators": {"g": ONE_STEP | REAL, "h": ONE_STEP | ONCE}},
        {"generators": {"g": CATEGORICAL | PIX2PIX}, "base": {"vae": {"crop": 50}}},
        {"base": {"vae": {"crop": 99}}, "tile": {"size": 64}},
        {"base": {"source": "model", "vae": {"crop": 50}}},
        {"image_sample": {"consistency": 1, "source": "collage"}},
        REPAINT,
        REPAINT | {"image_sample": {"collage": {"strength": 0.5}}},
        {"label_sample": {"source": "repaint"}, "image_sample": {"source": "collage"}},
        {"generators": {"g": ONE_STEP | ONCE}, "tile": {"size": 32}, "base": {"source": "model"}},
    ],
)
def test_what_is_not_used_binds_nothing(changes: dict[str, Any]) -> None:
    assert load(raw(**changes))


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
