"""Maps are inputs of the jobs that draw them."""

from pathlib import Path
from typing import Any

import pytest

from landloom.config import load
from landloom.errors import InputError, InputErrors
from landloom.orchestration.dag import Dag
from tests import rasters
from tests.orchestration.test_dag import Wildcards

ALL = Wildcards(dataset="d", scene="a")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rasters.scenes(tmp_path, "abc")
    for name in ("legend.csv", "roads.gpkg", "a.geojson"):
        Path(name).touch()
    return tmp_path


def dag(source: str | None, **more: Any) -> Dag:
    given = {} if source is None else {"map": {"source": source, "legend": "legend.csv"}}
    data = rasters.config(**given).model_dump(mode="json", exclude_defaults=True)
    return Dag({"dataset": "d", "data": data} | more)


def test_one_map_is_an_input_of_every_job_once(folder: Path) -> None:
    made = dag("roads.gpkg", tile={"size": 32, "scenes_per_shard": 3})
    part = Wildcards(dataset="d", scene="00000")
    assert made.maps.files(part) == ["roads.gpkg", "legend.csv"]
    assert made.maps.options(part).split() == ["--maps", "roads.gpkg", "--legend", "legend.csv"]
    assert made.files(None)[-2:] == ["roads.gpkg", "legend.csv"]
    made.require_files()


def test_maps_by_scene_are_those_that_are_there(folder: Path) -> None:
    made = dag("{scene}.geojson")
    assert made.maps.files(ALL) == ["a.geojson", "legend.csv"]
    other = Wildcards(dataset="d", scene="b")
    assert made.maps.options(other).split() == ["--legend", "legend.csv"]
    made.require_files()


def test_the_attributes_of_a_shapefile_are_inputs_too(folder: Path) -> None:
    for name in ("a.shp", "a.shx", "a.DBF", "a.prj", "a.txt", "b.dbf"):
        Path(name).touch()
    made = dag("{scene}.shp")
    assert made.maps.files(ALL) == ["a.shp", "a.shx", "a.DBF", "a.prj", "legend.csv"]
    assert made.maps.options(ALL).split()[1:5] == ["a.shp", "a.shx", "a.DBF", "a.prj"]
    made.require_files()


def test_without_maps_nothing_changes(folder: Path) -> None:
    made = dag(None)
    assert (made.maps.files(ALL), made.maps.options(ALL)) == ([], "")
    assert "map" not in made.section("data")(ALL)
    assert "map" not in made.section("encode")(ALL)
    assert '"map"' not in made.settings(ALL)


def test_files_that_are_not_there_are_named_before_anything_runs(folder: Path) -> None:
    with pytest.raises(InputErrors, match=r"rivers\.gpkg: does not exist\. Fix its path in data\.map"):
        dag("rivers.gpkg").require_files()
    with pytest.raises(InputErrors, match=r"no scene has a file 'maps/\{scene\}\.gpkg'\. .* \(a, b, c\)"):
        dag("maps/{scene}.gpkg").require_files()
    Path("legend.csv").unlink()
    with pytest.raises(InputErrors, match=r"legend\.csv: does not exist"):
        dag("roads.gpkg").require_files()


def test_what_the_config_cannot_mean(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"source: '\{area\}\.gpkg' has a brace that is no \{scene\}"):
        dag("{area}.gpkg")
    with pytest.raises(InputError, match=r"encode\.map: needs a map of the ground; give data.map"):
        dag(None, encode={"map": {}})
    with pytest.raises(InputError, match=r"image_train\.map: for 'landloom' needs a map of the ground"):
        dag(None, image_train={"map": {}}, encode={"map": {}})
    with pytest.raises(InputError, match=r"image_train\.map: on for 'landloom', but encode.map is off"):
        dag("roads.gpkg", image_train={"map": {}})
    dag("roads.gpkg", image_train={"map": {"dropout": 0.2}}, encode={"map": {}})


def test_baselines_do_not_read_it(folder: Path) -> None:
    made = dag("roads.gpkg", image_train={"map": {}, "backend": "pix2pix"}, encode={"map": {}})
    assert "map" not in made.section("image_train")(Wildcards(dataset="d", generator="landloom"))


def test_guidance_by_the_map_needs_its_dropout(folder: Path) -> None:
    values = {"encode": {"map": {}}, "image_sample": {"guidance": {"map": 2.0}}}
    with pytest.raises(InputError, match=r"image_train\.map\.dropout is 0"):
        dag("roads.gpkg", image_train={"map": {"dropout": 0}}, **values)
    assert load(dag("roads.gpkg", image_train={"map": {}}, **values).config.model_dump(exclude_defaults=True))
