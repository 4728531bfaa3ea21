import json
import shlex
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from landloom.config.tile import TileConfig
from landloom.errors import InputError
from landloom.runtime import argument_files, command_line
from landloom.runtime.command_line import Ins, Out, Text
from tests import rasters, shards
from tests.test_workflow import CONFIG, environment, rerun, snakemake

NAMES = st.text(st.characters(blacklist_characters="\0\n", blacklist_categories=("Cs",)), min_size=1)


def job(config: TileConfig, name: list[str], files: Ins, out: Out, note: Text = "") -> None:
    """Stands in for a stage."""


def parsed(words: list[str]) -> SimpleNamespace:
    return SimpleNamespace(**vars(command_line.parser("job", job).parse_args(words)))


@settings(deadline=None)
@given(st.lists(NAMES, max_size=5), st.booleans())
@example(
    ["-74_40", "--help", "@home", "@", "a b", "q\"'", "$(rm)", "*", "#", "\\", "\r", "\u2028", "\x0b", " "],
    True,
)
@example(["-74_40", "a b", "q\"'", "$(rm)", "日本", "\r", "\u2028"], False)
def test_names_reach_a_stage_through_the_shell_as_they_are(names: list[str], filled: bool) -> None:
    if not filled and any(n.startswith("--") for n in names):
        return  # in a command this is an option; no scene or file is called so
    names = [*names, "x" * argument_files.SHORT] if filled else names
    with tempfile.TemporaryDirectory() as folder:
        words = argument_files.words("name", names, Path(folder))
        line = shlex.join(["--name", *words, "--files", *words, "--config", "{}", "--out", "o"])
        printed = subprocess.run(
            ["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True
        ).stdout
        found = parsed(printed.decode().split("\0")[:-1])
    assert found.name == names
    assert found.files == list(map(Path, names))


def test_only_long_lists_go_to_a_file(tmp_path: Path) -> None:
    assert argument_files.words("a", ["x", "y z"], tmp_path) == ["x", "y z"]
    assert not list(tmp_path.iterdir())
    long = [f"results/d/tiles/{i}.parquet" for i in range(10_000)]
    (word,) = argument_files.words("tiles", long, tmp_path)
    assert len(word) < 200
    assert Path(word).name.startswith("tiles-")
    assert argument_files.words("tiles", long, tmp_path, write=False) == [word]
    assert [f"@{p}" for p in tmp_path.iterdir()] == [word]
    assert Path(word[1:]).read_text().splitlines() == long
    assert argument_files.words("tiles", long[::-1], tmp_path, write=False) != [word]


def test_a_dry_run_writes_nothing_and_names_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inputs = SimpleNamespace(tiles=[f"{i}.parquet" for i in range(1000)], statistics="statistics.json")
    planned = argument_files.Lists().of("tiles")(None, inputs)
    assert not list(tmp_path.iterdir())
    assert argument_files.Lists(lambda: True).of("tiles")(None, inputs) == planned
    assert argument_files.read(planned) == inputs.tiles
    assert argument_files.Lists().of("statistics")(None, inputs) == "statistics.json"


def test_lists_and_texts_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("b\nc d\n\n-e")
    Path("config.json").write_text(json.dumps({"size": 64}))
    words = ["--config", "@config.json", "--note", "@list.txt", "--out", "@o", "--name", "x"]
    found = parsed([*words, "--files", "a", "@list.txt", "./@f"])
    assert found.files == [Path(p) for p in ("a", "b", "c d", "-e", "./@f")]
    assert (found.config, found.out) == (TileConfig(size=64), Path("@o"))
    assert found.note.startswith("b\nc")
    with pytest.raises(InputError, match=r"gone: this list of a command line cannot be read"):
        parsed([*words, "--files", "@gone"])


def test_workers_get_the_same_values(tmp_path: Path) -> None:
    files = [tmp_path / f"{'x' * 50}{i}" for i in range(100)] + [Path("@f")]
    values = {"config": TileConfig(size=64), "name": ["@n"], "files": files, "out": Path("o"), "note": "n"}
    words = command_line.arguments(job, values, tmp_path)
    assert sum(map(len, words)) < 2000
    assert vars(parsed(words)) == values


def test_names_that_are_no_utf_8_survive(tmp_path: Path) -> None:
    names = [b"caf\xe9".decode("utf-8", "surrogateescape"), "x" * argument_files.SHORT]
    (word,) = argument_files.words("n", names, tmp_path)
    assert argument_files.read(word) == names


def test_many_scenes_of_any_name_are_tiled(tmp_path: Path) -> None:
    """Two jobs with more files than a command shows; the printed command works by hand, too."""
    names = [f"{'-Ä b' if i % 2 else 'データ'}'{'long' * 20}{i}" for i in range(60)]
    for i, name in enumerate(names):
        mask = shards.mask(np.random.default_rng(i), 32)
        image, place = shards.image(mask, np.random.default_rng(i)), rasters.GRID.translation(0, 64 * i)
        rasters.save(tmp_path / f"images/{name}.tif", image, transform=rasters.GRID @ place)
        rasters.save(tmp_path / f"masks/{name}.tif", mask + np.uint8(1), transform=rasters.GRID @ place)
    data = CONFIG["data"] | {"split": {"by": "scene", "val": 0.1, "test": 0.1}}
    config = CONFIG | {"data": data, "tile": {"size": 32, "stride": 32, "scenes_per_shard": 30}}
    target, folder = "results/tiny/ratios.parquet", tmp_path / argument_files.FOLDER
    planned = snakemake(tmp_path, "-n", "-p", "--", target, config=config)
    assert "@results/.landloom/lists/image-" in planned
    assert not folder.exists()
    snakemake(tmp_path, "--", target)
    assert {p.name.split("-")[0] for p in folder.iterdir()} == {"scene", "image", "mask"}
    tiles = pd.concat(pd.read_parquet(p) for p in sorted((tmp_path / "results/tiny/tiles").glob("*.parquet")))
    assert tiles["scene"].nunique() == 60
    assert rerun(snakemake(tmp_path, "-n", "--", target)) == set()

    shard = "results/tiny/tiles/00000.parquet"
    before = (tmp_path / shard).read_bytes()
    printed = snakemake(tmp_path, "-n", "-p", "--forcerun", "tile_scenes", "--", shard)
    command = next(line.strip() for line in printed.splitlines() if "landloom tile " in line)
    by_hand = (
        command[command.index("python") :]
        .split(" 2>&1")[0]
        .replace(f"--out {shard}", "--out by_hand.parquet")
    )
    package = {"PYTHONPATH": str(Path(argument_files.__file__).parents[1])}
    subprocess.run(["bash", "-c", by_hand], cwd=tmp_path, env=environment() | package, check=True)
    assert (tmp_path / "by_hand.parquet").read_bytes() == before
