"""Scenes with odd names, from the rules' commands to an export and its trace."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from landloom.__main__ import execute
from landloom.commands.trace import main
from landloom.config.export import ExportConfig
from landloom.config.metadata import MetadataWish
from landloom.config.tile import TileConfig
from landloom.data import samples
from landloom.planning.metadata import Wishes
from landloom.provenance.records import Recorder
from landloom.scenes.discovery import discover
from landloom.scenes.naming import coded
from landloom.stages import export
from landloom.stages.label_sample import taken
from tests import exports, rasters
from tests.tiny import CONFIG, scenes, snakemake

NAMES = ["Área 1 (norte)#2", "@x", "--help me", "{b} '\"|%20\\", " =a,1/2 "]
CODES = ["Área~201~20~28norte~29~232", "~40x", "--help~20me",
         "~7Bb~7D~20~27~22~7C~2520~5C", "~20~3Da~2C1~2F2~20"]  # fmt: skip


def test_printed_commands_name_scenes_as_they_are_and_paths_by_their_codes(tmp_path: Path) -> None:
    scenes(tmp_path)
    listed = [
        {"name": name, "images": [f"images/{file} #'1.tif"], "mask": f"masks/{file}.tif"}
        for name, file in zip(NAMES, "abcde", strict=True)
    ]
    for file in "abcde":
        (tmp_path / f"images/{file}.tif").rename(tmp_path / f"images/{file} #'1.tif")
    data = {"scenes": listed, "classes": CONFIG["data"]["classes"]}
    data["split"] = {"by": "scene", "val": [NAMES[1]], "test": ["{b}*"]}
    printed = snakemake(tmp_path, "-n", "-p", "results/tiny/ratios.parquet", config=CONFIG | {"data": data})
    assert set(CODES) == set(map(coded, NAMES))
    begin = "python -m landloom "
    commands = [shlex.split(line[line.index(begin) :]) for line in printed.splitlines() if begin in line]
    tiling = {c[c.index("--out") + 1]: c for c in commands if c[3] == "tile"}
    for name, code, file in zip(NAMES, CODES, "abcde", strict=True):
        command = tiling[f"results/tiny/tiles/{code}.parquet"]
        given = command[command.index("--scene") + 1 : command.index("--split")]
        like_an_option = name.startswith(
            ("@", "--")
        )  # stands in a list's file, which a dry run does not write
        assert given == [name] or (like_an_option and given[0].startswith("@results/.landloom/lists/scene-"))
        assert command[command.index("--image") + 1] == f"images/{file} #'1.tif"
        assert command[-1] == f"logs/tiny/tile/{code}.log"
    (ratios,) = (c for c in commands if c[3] == "ratios")
    assert {f"results/tiny/tiles/{c}.parquet" for c in CODES} <= set(ratios)


def test_a_scene_goes_from_its_file_to_an_export_and_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, code, root = NAMES[0], CODES[0], tmp_path / "results"
    image = rasters.save(tmp_path / f"i/{name}.tif", rasters.noise(16, 16))
    rasters.save(tmp_path / f"m/{name}.tif", rasters.halves(16, 16))
    data = rasters.config(images=f"{tmp_path}/i/{{s}}.tif", masks=f"{tmp_path}/m/{{s}}.tif")
    (scene,) = discover(data)
    tiles = root / f"tiles/{coded(scene.name)}.parquet"
    config = TileConfig(size=16).model_dump_json(exclude_defaults=True)
    execute("tile", ["--config", config, "--data", data.model_dump_json(exclude_defaults=True),
                     "--scene", scene.name, "--split", "train", "--image", str(image),
                     "--mask", str(scene.mask), "--out", str(tiles)])  # fmt: skip
    (tile,) = samples.read(tiles)
    assert (tile.scene, tile.id, tiles.stem) == (name, f"{code}_0_0", code)

    row = {"id": "0", "caption": "", "seed": 0, "target_ratios": [0.5, 0.5, 0], "mix": "real"}
    (made,) = taken([row], [replace(tile, ratios=[0.5, 0.5, 0])], "g", Wishes(MetadataWish()))
    shard = root / "g/curated/0.parquet"
    shard.parent.mkdir(parents=True)
    samples.write(shard, [made], {"generator": "g"})
    exports.statistics().save(tmp_path / "statistics.json")
    chosen = ExportConfig(formats=["geotiff", "stac"])
    export.run(chosen, "tiny", tmp_path / "statistics.json", [shard], tmp_path / "out")
    item = json.loads((tmp_path / "out/stac/items/g_0.json").read_text())
    assert item["properties"]["landloom:parents"] == [f"{code}_0_0"]
    assert (tmp_path / "out/geotiff/images/g_0.tif").is_file()

    Recorder("curate", 1, {}, [tiles]).write([shard])
    main(["g_0", "--root", str(root)])
    told = capsys.readouterr().out
    assert f'/i/{name}.tif"' in told
    found = json.loads(told)
    assert found["sample"]["parents"] == [f"{code}_0_0"]
    assert [j["stage"] for j in found["jobs"]] == ["curate", "tile"]
    assert [s["path"] for s in found["sources"]] == [str(image), str(scene.mask)]
