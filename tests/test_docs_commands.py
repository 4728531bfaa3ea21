"""Every command of the how-tos is run, or held against parsers, files and config where it says why not."""

import importlib
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from landloom.errors import InputError
from landloom.runtime import registry
from tests import pages, rasters
from tests.rasters import GRID, ROOT

PAGES = sorted(str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs/how-to").glob("*.md"))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with six scenes, two images without masks, and the config that ``init`` makes."""
    folder = pages.clone(tmp_path_factory.mktemp("town"))
    for i, name in enumerate("abcdef"):
        rasters.save(folder / f"data/town/images/{name}.tif", rasters.noise(96, 96, seed=i))
        rasters.save(folder / f"data/town/masks/{name}.tif", rasters.halves(96, 96))
    for i in range(2):
        place = GRID @ GRID.translation(0, 9000 * (i + 1))
        rasters.save(folder / f"data/town-more/{i}.tif", rasters.noise(96, 96, seed=9 + i), transform=place)
    done = pages.ran("landloom init data/town --yes", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page(
    page: str, town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(town, tmp_path / "town", symlinks=True)
    monkeypatch.chdir(folder)
    seen = 0
    for block in pages.blocks(page):
        if pages.written(block, folder):
            continue
        for command in block.commands:
            seen += 1
            if block.mark.startswith("checked: "):
                pages.check(command)
            elif command != "landloom init data/town --yes":  # done by the fixture
                done = pages.ran(command, folder)
                assert done.returncode == 0, command + done.stdout + done.stderr
    assert seen, "the page has no command"


def test_every_page_is_linked_and_marks_are_known() -> None:
    linked = "".join(p.read_text() for p in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    assert [p for p in PAGES if p not in linked] == []
    marks = {b.mark.split(":")[0] for p in [*PAGES, "tutorial.md"] for b in pages.blocks(p)}
    assert marks <= {"", "file", "checked"}
    assert {b.kind for p in PAGES for b in pages.blocks(p)} <= {"sh", "yaml"}


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("landloom init data/town --names x", SystemExit),
        ("landloom initiate data/town", AssertionError),
        ("landloom tile --tiles x", SystemExit),
        ("snakemake --configfiles-of config/potsdam.yaml", SystemExit),
        ("snakemake --cores 1 --configfile config/potsdamm.yaml", InputError),
        ("snakemake --cores 1 --configfile config/potsdam.yaml --config 'tile={sizes: 3}'", InputError),
        ("snakemake --cores 1 --configfile config/potsdam.yaml --until captions", AssertionError),
        ("snakemake --configfile config/potsdam.yaml --cores 1 results/potsdan/check.json", AssertionError),
        ("landlom init x", AssertionError),
    ],
)
def test_a_wrong_command_is_found(
    command: str, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(error):
        pages.check(command)


@pytest.mark.parametrize("name", registry.commands())
def test_help_reads_as_plain_text(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with suppress(SystemExit):
        importlib.import_module(f"landloom.commands.{name}").main(["--help"])
    said = capsys.readouterr().out
    assert said.startswith(f"usage: landloom {name.replace('_', '-')}")
    assert "``" not in said
