"""What is said of the days of a place before any tile is cut."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.transform import Affine

from landloom.config.data import DataConfig
from landloom.raster import series_check, survey
from landloom.raster.series_check import shift
from landloom.scenes.discovery import SceneFiles
from tests import rasters
from tests.rasters import GRID

CLASSES = [{"name": n, "values": [v], "color": c} for n, v, c in (("a", 1, "#000000"), ("b", 2, "#ffffff"))]


def texture(seed: int, side: int = 96) -> NDArray[np.float64]:
    """Smooth noise, as ground is."""
    noise = np.random.default_rng(seed).normal(size=(side, side))
    for axis in (0, 1):
        noise = sum(np.roll(noise, i, axis) * w for i, w in ((-1, 0.25), (0, 0.5), (1, 0.25)))
    return noise


def picture(seed: int, move: int = 0, haze: int = 99) -> NDArray[np.uint8]:
    """The ground as it is at one day: the same for all, with a little of its own."""
    found = np.roll(texture(0), move, 1) + 0.2 * texture(haze + seed)
    return np.repeat((np.clip(found * 40 + 128, 1, 255)).astype(np.uint8)[None], 3, 0)


def looked(
    folder: Path, images: dict[str, NDArray[Any]], days: dict[str, str | None], **moves: Affine
) -> tuple[list[str], list[str]]:
    found = []
    for name, image in images.items():
        file = rasters.save(folder / f"{name}.tif", image, transform=moves.get(name, GRID))
        scene = SceneFiles(name, (file,), None, acquired=days[name], place="farm")
        found.append(survey.look(scene, data(), "unlabelled", 16))
    seen = series_check.look(found, data(), 1)
    return [str(p) for p in seen.problems], seen.remarks


def data(**split: Any) -> DataConfig:
    return DataConfig.model_validate({"manifest": "m.csv", "classes": CLASSES, "split": split})


DAYS = {"a": "2015-01-01", "b": "2016-01-01", "c": "2017-01-01"}


def test_a_sound_series_is_passed_over(tmp_path: Path) -> None:
    assert looked(tmp_path, {n: picture(i) for i, n in enumerate("abc")}, DAYS) == ([], [])


def test_one_picture_under_two_dates_is_an_error(tmp_path: Path) -> None:
    """Byte for byte, as those of Haiti are, or packed otherwise."""
    problems, _ = looked(tmp_path, {"a": picture(0), "b": picture(1), "c": picture(0)}, DAYS)
    (found,) = problems
    assert found.startswith(f"scene 'c', {tmp_path}/c.tif: the same picture as that of 'a'")
    assert "under two dates. Take one of them out" in found
    rasters.save(tmp_path / "a.tif", picture(0), compress="deflate", transform=GRID)
    scenes = [SceneFiles(n, (tmp_path / f"{n}.tif",), None, acquired=DAYS[n], place="farm") for n in "abc"]
    assert not series_check.equal_files(scenes)
    (packed,) = series_check.compared(scenes, data()).problems
    assert "'c'" in str(packed)
    assert "same picture" in str(packed)


def test_days_that_are_not_known_are_counted(tmp_path: Path) -> None:
    images = {n: picture(i) for i, n in enumerate("abc")}
    problems, (said,) = looked(tmp_path, images, DAYS | {"b": None})
    assert not problems
    assert said.startswith("1 scenes of a place have no known day, such as 'b'")


def test_without_any_other_day_it_is_an_error(tmp_path: Path) -> None:
    none = dict.fromkeys("abc")
    (found,), _ = looked(tmp_path, {n: picture(i) for i, n in enumerate("abc")}, none)
    assert found.startswith("tile.dates: no scene has another one of its place whose day is known")
    (alone,), _ = looked(tmp_path, {"a": picture(0)}, DAYS)
    assert alone == found


def test_the_same_day_twice_is_said(tmp_path: Path) -> None:
    images = {n: picture(i) for i, n in enumerate("abc")}
    problems, (said,) = looked(tmp_path, images, DAYS | {"c": DAYS["a"]})
    assert not problems
    assert said == "1 scenes have the day of another one of their place, such as a and c"


def test_scenes_that_do_not_meet_are_of_different_places(tmp_path: Path) -> None:
    images = {n: picture(i) for i, n in enumerate("abc")}
    (found,), _ = looked(tmp_path, images, DAYS, b=GRID @ Affine.translation(500, 0))
    assert f"{tmp_path}/b.tif: lies nowhere over 'a', of the same place 'farm'" in found


def test_other_bands_name_the_file(tmp_path: Path) -> None:
    images = {"a": picture(0), "b": picture(1)[:2], "c": picture(2)}
    (found,), _ = looked(tmp_path, images, DAYS)
    assert found.startswith(f"{tmp_path}/b.tif: 2 bands of uint8, but 'a' of the same place")


def test_a_day_that_lies_beside_is_named_with_its_distance(tmp_path: Path) -> None:
    images = {"a": picture(0), "b": picture(1, move=3), "c": picture(2)}
    problems, (said,) = looked(tmp_path, images, DAYS)
    assert not problems
    assert said.startswith(
        "1 scenes lie more than 0.5 pixels beside the first one of their place, such as 'b', "
    )
    assert 2.8 < float(said.split("'b', ")[1].split()[0]) < 3.2


@pytest.mark.parametrize("move", [(0, 0), (0, 0.4), (0.7, 0), (-2, 1), (1.5, -0.6)])
def test_shifts_between_pixels(move: tuple[float, float]) -> None:
    """A picture that Fourier's theorem moves by a part of a pixel."""
    one = texture(0)
    rows, cols = np.meshgrid(np.fft.fftfreq(96), np.fft.fftfreq(96), indexing="ij")
    phase = np.exp(-2j * np.pi * (rows * move[0] + cols * move[1]))
    other = np.fft.ifft2(np.fft.fft2(one) * phase).real + 0.1 * texture(1)
    assert shift(one, other) == pytest.approx(np.hypot(*move), abs=0.2)


def test_pictures_of_different_ground_tell_no_shift() -> None:
    assert shift(texture(0), texture(1)) is None


def test_held_out_blocks_of_another_day_are_an_error_even_where_overlap_is_a_warning(tmp_path: Path) -> None:
    """Blocks are counted from each scene's own corner, so on another grid those of test lie over train."""
    found = data(by="block", block=32, test=0.3, val=0.1, same_ground="warning")
    facts = []
    for i, (name, cols) in enumerate((("a", 0), ("b", 32))):
        file = rasters.save(
            tmp_path / f"{name}.tif", picture(i), transform=GRID @ Affine.translation(cols, 0)
        )
        scene = SceneFiles(name, (file,), None, acquired=DAYS[name], place="farm")
        facts.append(survey.look(scene, found, "block", 16))
    (problem,) = series_check.leaks(facts, found)
    assert "blocks of different splits overlap in 'a' and 'b', two days of one place" in str(problem)
    same = survey.look(
        SceneFiles("c", facts[0].files.images, None, None, DAYS["c"], place="farm"), found, "block", 16
    )
    assert not series_check.leaks([facts[0], same], found)


def test_haiti_is_one_picture_under_several_dates() -> None:
    folder = rasters.real("multispectral", "rgbn-haiti-series")
    files = sorted(p for p in folder.glob("rgbn_20*.tif"))
    scenes = [SceneFiles(p.stem, (p,), None, acquired=p.stem[-8:], place="haiti") for p in files]
    found = series_check.compared(scenes, data()).problems
    assert len(found) == len(files) - 1
    assert all("the same picture as that of" in str(p) for p in found)


def test_naip_is_a_series() -> None:
    folder = rasters.real("multispectral", "naip-multiyear")
    scenes = [
        SceneFiles(p.stem, (p,), None, acquired=p.stem[-8:], place="farm")
        for p in sorted(folder.glob("*.tif"))
    ]
    found = series_check.compared(scenes, data())
    assert (found.problems, found.undated, found.twins, found.dated) == ([], [], [], 5)
    assert all(distance < 2 for *_, distance in found.shifts)
