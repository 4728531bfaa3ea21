"""Names in tables that somebody else wrote lead to no other folder, and no cell computes anything."""

import json
from pathlib import Path

import pytest

from landloom.config.map import MapSourceConfig
from landloom.errors import InputError
from landloom.scenes import discovery, manifest, maps, patterns
from landloom.scenes.naming import coded
from tests import rasters

OUT = ["../../etc/passwd", "/etc/passwd", "a/../../b", ".."]


@pytest.mark.parametrize("name", OUT)
def test_a_scene_does_not_name_a_list_in_another_folder(tmp_path: Path, name: str) -> None:
    row = {"scene": name, "image": "a.tif", "mask": ""}
    body = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": row}]}
    (tmp_path / "scenes.json").write_text(json.dumps(body))
    objects = {"format": "dota", "path": str(tmp_path / "{scene}.txt"), "classes": ["ship"]}
    data = {"manifest": str(tmp_path / "scenes.json"), "objects": objects}
    with pytest.raises(InputError, match=r"would lead out of its folder\. Rename the scene"):
        discovery.discover(rasters.DataConfig.model_validate(data))


@pytest.mark.parametrize("name", OUT)
def test_a_scene_does_not_name_a_map_in_another_folder(tmp_path: Path, name: str) -> None:
    config = MapSourceConfig.model_validate({"source": f"{tmp_path}/{{scene}}.gpkg", "legend": "legend.csv"})
    with pytest.raises(InputError, match="would lead out of its folder"):
        maps.source(config, name)


def test_folders_below_are_fine() -> None:
    assert patterns.fill("maps/{scene}.gpkg", {"scene": "area 1/b..c"}) == "maps/area 1/b..c.gpkg"


@pytest.mark.parametrize("name", [*OUT, ".hidden", "a\\b", "~root", "$(rm -rf ~)", "a;b", "=1+1"])
def test_outputs_of_a_scene_lie_in_their_folder(name: str) -> None:
    code = coded(name)
    assert Path(code).name == code
    assert not code.startswith(".")
    assert not set(code) & set("/\\$;=()` ")


def test_cells_that_a_spreadsheet_was_kept_from_computing(tmp_path: Path) -> None:
    (tmp_path / "scenes.csv").write_text("scene,image,mask\n'=1+1,'-a.tif,m.tif\nit's,b.tif,n.tif\n")
    found = [values["scene"] + values["image"] for _, values in manifest.entries(tmp_path / "scenes.csv")]
    assert found == ["=1+1-a.tif", "it'sb.tif"]
