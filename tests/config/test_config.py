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
    assert (config.tile.size, config.data.rgb, list(config.generators)) == (512, [1, 2, 3], ["landloom"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tile": {"sise": 64}}, r"tile\.sise: no such key \(is it misspelt\?\)"),
        ({"tile": {"size": 63}}, r"tile\.size: .*multiple of 8 \(found 63\)"),
        ({"tile": {"size": 64, "stride": 65}}, "stride must not exceed size"),
        ({"dataset": "a/b"}, "the name 'a/b' may hold letters"),
        ({"data": {"manifest": "m.csv"}}, "exactly one of images"),
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


def test_extractors_are_listed_where_they_are_needed() -> None:
    inception, off = {"memory": {"extractor": "inception"}}, {"memory": {"quantile": 0}}
    real = {"label_sample": {"source": "real"}, "image_sample": {"source": "real"}}
    config = load(raw(generators={"a": {}, "b": {"curate": inception}, "c": {"curate": off}, "d": real}))
    places = config.extractors.places
    assert list(places) == ["evaluate", "curate.memory", "generators.b.curate.memory"]
    assert places["generators.b.curate.memory"].extractor == "inception"
    off |= {"memory": {"quantile": 0}, "min_realism": 0.5}
    assert "curate.memory" in load(raw(curate=off)).extractors.places
    assert list(load(raw(curate={"memory": {"quantile": 0}})).extractors.places) == ["evaluate"]


def test_sections_survive_the_command_line() -> None:
    config = load(raw(data={"nodata": -1, "split": {"by": "block", "block": 64}}))
    assert Config.model_validate_json(config.model_dump_json()) == config


def test_import_is_light() -> None:
    code = "import sys, landloom.config; print({'torch', 'numpy', 'rasterio', 'pandas'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "set()\n"
    )
