"""One name, five places: a stage is a rule, a module, a config section, a test and a heading of a page."""

import hashlib
import importlib
import inspect
import json
import re
from pathlib import Path

import pytest

from landloom.config import Config
from landloom.runtime import registry

ROOT = Path(__file__).parents[1]
STAGES = registry.names()
PINNED = {
    "audit": "2 9e9dbde0",
    "base": "6 7d8abfcd",
    "caption": "3 577e7ea8",
    "check": "5 d39e6fdc",
    "curate": "9 79409110",
    "detect": "2 45f35d7f",
    "detect_table": "1 d0ba2d0b",
    "encode": "3 a3309c70",
    "evaluate": "10 ddcb30b6",
    "evidence": "1 bc3740b5",
    "export": "6 c7de04e3",
    "features": "1 79f595d7",
    "image_sample": "13 beb2f344",
    "image_train": "11 ea903697",
    "label_sample": "11 e12d2403",
    "label_table": "4 a0297216",
    "label_train": "8 ee0ce422",
    "mix": "3 f859f38c",
    "plan": "4 d4c01813",
    "ratios": "4 3775bdfb",
    "report": "11 f3cef539",
    "scene_mask": "2 c9de4347",
    "scene_sample": "1 9bc4f84c",
    "segment": "5 4d0d2217",
    "tile": "6 ed5ebe19",
}
"""VERSION of each stage, and the hash of the defaults that it stands for."""
NOT_STAGES = {"dataset", "seed", "data", "generators", "run"}
"""Keys of the config that belong to no stage."""
RULES = ROOT / "workflow/rules"


def rules() -> dict[str, list[str]]:
    """Names of the rules in each rule file, by the file's stem."""
    return {p.stem: re.findall(r"^rule (\w+):", p.read_text(), re.M) for p in RULES.glob("*.smk")}


def headings() -> set[str]:
    text = (ROOT / "config/README.md").read_text()
    return set(re.findall(r"^## `(\w+)`$", text, re.M))


def included() -> list[str]:
    return re.findall(r'^include: "workflow/rules/(\w+)\.smk"$', (ROOT / "Snakefile").read_text(), re.M)


def test_there_are_stages() -> None:
    assert {"check", "tile", "segment", "audit"} <= set(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_the_module_has_a_version_and_a_run(stage: str) -> None:
    text = (ROOT / f"workflow/landloom/stages/{stage}.py").read_text()
    assert registry.version(stage) >= 1
    assert re.search(r"^def run\($|^def run\(.+", text, re.M)


@pytest.mark.parametrize("stage", STAGES)
def test_the_stage_has_a_rule_of_its_name(stage: str) -> None:
    rule = {"tile": "tile_scenes"}.get(stage, stage)  # the name `tile` is the target for all of them
    assert rule in rules().get(stage, [])


@pytest.mark.parametrize("stage", STAGES)
def test_the_rule_runs_the_stage_and_follows_its_version(stage: str) -> None:
    text = (RULES / f"{stage}.smk").read_text()
    assert f"python -m landloom {stage} " in text
    assert f'dag.version("{stage}")' in text
    assert f'dag.section("{stage}")' in text


@pytest.mark.parametrize("stage", STAGES)
def test_the_rule_gives_only_options_that_the_stage_has(stage: str) -> None:
    shell = (RULES / f"{stage}.smk").read_text().split("shell:", 1)[1]
    given = {n.replace("-", "_") for n in re.findall(r"--([a-z][a-z-]*) \{", shell)}
    known = inspect.signature(importlib.import_module(f"landloom.stages.{stage}").run).parameters
    assert given
    assert given <= set(known)


@pytest.mark.parametrize("stage", STAGES)
def test_changed_defaults_raise_the_version(stage: str) -> None:
    """Defaults are left out of the parameters that Snakemake compares, so VERSION must tell of them."""
    section = getattr(Config.model_construct(), stage)
    text = json.dumps(section.model_dump(mode="json"), sort_keys=True)
    found = f"{registry.version(stage)} {hashlib.sha256(text.encode()).hexdigest()[:8]}"
    assert PINNED[stage] == found, f"raise VERSION in stages/{stage}.py, then write {found} into PINNED"


@pytest.mark.parametrize("stage", STAGES)
def test_the_stage_has_a_config_section(stage: str) -> None:
    section = Config.model_fields[stage].annotation
    assert section is not None
    assert section.__module__ == f"landloom.config.{stage}"


@pytest.mark.parametrize("stage", STAGES)
def test_the_stage_has_a_test(stage: str) -> None:
    assert (ROOT / f"tests/stages/test_{stage}.py").is_file()


@pytest.mark.parametrize("stage", STAGES)
def test_the_stage_has_a_heading_in_the_manual(stage: str) -> None:
    assert stage in headings()


def test_there_are_no_others() -> None:
    stages = set(STAGES)
    assert set(rules()) - {"common"} == stages
    assert set(Config.model_fields) - NOT_STAGES == stages
    assert headings() - NOT_STAGES == stages
    tested = {p.stem.removeprefix("test_") for p in (ROOT / "tests/stages").glob("test_*.py")}
    # "plain" reads what the stages write without landloom, "families" goes through them with other bases,
    # "start" looks at how any job begins, "unlabelled" at who reads tiles without labels, and "told_objects"
    # at what becomes of objects from stage to stage, "scales" at tiles of several sizes of pixel from stage
    # to stage, "check_scenes" at what the check says of asked scenes, "kept_pixels" at what
    # image_sample must not change.
    others = {
        "plain",
        "families",
        "start",
        "unlabelled",
        "told_objects",
        "scales",
        "check_scenes",
        "kept_pixels",
    }
    assert tested - others == stages


def test_the_snakefile_includes_each_rule_file_once() -> None:
    assert sorted(included()) == sorted([*STAGES, "common"])


def test_every_key_that_is_no_stage_has_a_heading() -> None:
    assert headings() >= NOT_STAGES
