"""An image and a hole in, a GeoTIFF out; the generator is one that paints grey."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import rasterio
import yaml

from landloom.commands import repaint
from landloom.data import kept_pixels
from landloom.data.samples import Sample
from landloom.errors import InputError
from landloom.orchestration.image_generators import ImageGenerator
from tests import rasters, shards
from tests.config.test_config import raw

WORDS = [
    "image.tif",
    "--hole",
    "hole.tif",
    "--run",
    "results/tiny",
    "--out",
    "out.tif",
    "--configfile",
    "c.yaml",
]


class Grey:
    """Paints the middle of the scale, and keeps what it was shown."""

    def __init__(self) -> None:
        self.model, self.seen = SimpleNamespace(factor=4), list[Sample]()

    def __call__(self, rows: Sequence[Sample], seeds: Sequence[int], start: None) -> Any:
        self.seen += rows
        return np.zeros((len(rows), 3, 32, 32), np.float32)


@pytest.fixture
def grey(monkeypatch: pytest.MonkeyPatch) -> Grey:
    made = Grey()
    monkeypatch.setattr(ImageGenerator, "load", lambda self, batch: made)
    return made


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run with a generator that knows pixels, an image and a hole."""
    monkeypatch.chdir(tmp_path)
    for name in ("base", "landloom/image"):
        (tmp_path / "results/tiny" / name).mkdir(parents=True)
    told = {"mask": {}, "known_pixels": {"dropout": 0.1}}
    (tmp_path / "results/tiny/landloom/image/conditions.json").write_text(json.dumps(told))
    shards.dataset(32).save(tmp_path / "results/tiny/statistics.json")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(raw()))
    rasters.save(tmp_path / "image.tif", rasters.noise(50, 70))
    rasters.save(tmp_path / "hole.tif", hole())
    return tmp_path


def hole() -> np.ndarray:
    found = np.zeros((50, 70), np.uint8)
    found[10:30, 20:60] = 1
    return found


def test_the_hole_is_painted_and_all_else_is_the_image(run: Path, grey: Grey) -> None:
    assert repaint.main(WORDS) == 0
    with rasterio.open("image.tif") as image, rasterio.open("out.tif") as found:
        assert (found.crs, found.transform, found.dtypes) == (image.crs, image.transform, image.dtypes)
        where = hole() > 0
        assert np.array_equal(found.read()[:, ~where], image.read()[:, ~where])
        assert (found.read()[:, where] == 128).all()
        assert found.tags()["LANDLOOM_SYNTHETIC"] == "in part"
        assert found.tags()["LANDLOOM_MODEL"] == "results/tiny/landloom/image"
    assert all((s.mask_array() == 255).all() for s in grey.seen)


def test_classes_to_paint_come_from_a_mask(run: Path, grey: Grey) -> None:
    values = [c["values"][0] for c in raw()["data"]["classes"]]
    rasters.save(run / "mask.tif", np.full((50, 70), values[1], np.uint8))
    repaint.main([*WORDS, "--mask", "mask.tif"])
    for s in grey.seen:
        inside = s.mask_array() != 255  # pixels beyond the edge have no class
        assert (s.mask_array()[inside] == 1).all()
        assert inside.any()


def test_gaps_are_filled_and_the_rest_of_them_is_not_told(run: Path, grey: Grey) -> None:
    image = rasters.noise(50, 70)
    image[:, 15:40, 25:30] = 0  # a gap that the hole covers in part
    rasters.save(run / "image.tif", image, nodata=0)
    repaint.main(WORDS)
    with rasterio.open("out.tif") as found:
        assert np.array_equal(found.dataset_mask() == 0, (image == 0).all(0) & (hole() == 0))
    for s in grey.seen:
        kept = kept_pixels.of(s)
        assert kept is not None
        assert (kept.values[:, kept.known] != 0).all()


def test_a_thin_hole_is_warned_of(run: Path, grey: Grey, capsys: pytest.CaptureFixture[str]) -> None:
    repaint.main(WORDS)
    assert "latent cell" not in capsys.readouterr().err
    line = np.zeros((50, 70), np.uint8)
    line[:, 30] = 1
    rasters.save(run / "hole.tif", line)
    repaint.main([w if w != "out.tif" else "other.tif" for w in WORDS])
    assert "nowhere as wide as a latent cell of 4 pixels" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "more", "message"),
    [
        (np.zeros((50, 70), np.uint8), {}, r"^hole\.tif: is 0 everywhere: nothing is to be painted"),
        (np.full((50, 70), np.nan, np.float32), {}, r"^hole\.tif: is 0 everywhere"),
        (np.ones((50, 70), np.uint8), {}, r"^hole\.tif: leaves no pixel with data to fit to"),
        (np.ones((50, 60), np.uint8), {}, r"^hole\.tif, size: 60 x 50 pixels, but image\.tif has 70 x 50"),
        (np.ones((2, 50, 70), np.uint8), {}, r"^hole\.tif: has 2 bands"),
        (hole(), {"crs": "EPSG:4326"}, r"^hole\.tif, CRS: EPSG:4326, but image\.tif has EPSG:32652"),
        (
            hole(), {"transform": rasters.GRID @ rasters.Affine.translation(0.5, 0)},
            r"^hole\.tif, transform: its corners lie 0\.5 pixels away",
        ),
    ],
)  # fmt: skip
def test_holes_that_cannot_be_meant(
    run: Path, grey: Grey, values: np.ndarray, more: dict[str, Any], message: str
) -> None:
    rasters.save(run / "hole.tif", values, **more)
    with pytest.raises(InputError, match=message):
        repaint.main(WORDS)
    assert not grey.seen
    assert not list(run.glob("*out*"))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (rasters.noise(50, 70, bands=2), r"^image\.tif: 2 bands of uint8, but .* from 3 of uint8"),
        (rasters.noise(50, 70).astype(np.uint16), r"^image\.tif: 3 bands of uint16, but .* of uint8"),
    ],
)
def test_images_of_another_kind(run: Path, grey: Grey, image: np.ndarray, message: str) -> None:
    rasters.save(run / "image.tif", image)
    with pytest.raises(InputError, match=message):
        repaint.main(WORDS)


def test_generators_that_cannot_paint_holes(run: Path, grey: Grey) -> None:
    told = run / "results/tiny/landloom/image/conditions.json"
    told.write_text(json.dumps({"mask": {}}))
    with pytest.raises(
        InputError, match=r"image: has not learned known_pixels, but mask\. Train one with image_tr"
    ):
        repaint.main(WORDS)
    with pytest.raises(InputError, match=r"^--generator: 'no' is none of landloom"):
        repaint.main([*WORDS, "--generator", "no"])
    told.unlink()
    told.parent.rmdir()
    with pytest.raises(InputError, match=r"results/tiny/landloom/image"):
        repaint.main(WORDS)


def test_nothing_is_overwritten(run: Path, grey: Grey) -> None:
    (run / "out.tif").write_text("mine")
    with pytest.raises(InputError, match=r"out\.tif: is there already"):
        repaint.main(WORDS)
    assert (run / "out.tif").read_text() == "mine"
