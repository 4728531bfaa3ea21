"""Examples, each laid over a config: they load, change it, and are on the page that explains them."""

from pathlib import Path

import pytest

from landloom.config import load
from landloom.orchestration import config_files

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "config/examples").glob("*.yaml"))
OWN = {
    "objects": "dataset: boxes\n"
    "data: {images: 'i/{scene}.tif', objects: {format: coco, path: boxes.json, classes: [ship, car]}}"
}
"""Configs for examples that are not for the default one."""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_goes_over_the_default_config(example: Path, tmp_path: Path) -> None:
    below = ROOT / "config/config.yaml"
    if example.stem in OWN:
        below = tmp_path / "own.yaml"
        below.write_text(OWN[example.stem])
    plain, laid = load(config_files.read([below])), load(config_files.read([below, example]))
    assert laid != plain
    assert laid.data.classes == plain.data.classes


def test_every_example_is_explained_and_says_how_it_is_used() -> None:
    page = (ROOT / "docs/systems.md").read_text()
    assert EXAMPLES
    assert [e.name for e in EXAMPLES if f"(../config/examples/{e.name})" not in page] == []
    unsaid = [e for e in EXAMPLES if f"config/examples/{e.name}" not in e.read_text().split("\n\n")[0]]
    assert unsaid == []
