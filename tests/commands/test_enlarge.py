"""A coarse GeoTIFF in, a fine one out; the generator repeats coarse pixels, or adds noise to them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import yaml
from rasterio.transform import Affine

from landloom.commands import enlarge
from landloom.data import coarse_images
from landloom.data.samples import Sample
from landloom.errors import InputError
from landloom.orchestration.image_generators import ImageGenerator
from tests import rasters, shards
from tests.config.test_config import raw

WORDS = ["image.tif", "--run", "results/tiny", "--out", "out.tif", "--configfile", "c.yaml"]
FACTOR, SIDE = 4, 32
NAMES = [c.name for c in shards.dataset(SIDE).classes]


class Repeated:
    """Repeats coarse pixels; ``rough`` adds noise of each window's own seed."""

    def __init__(self, rough: float = 0) -> None:
        self.rough, self.seen = rough, list[Sample]()

    def __call__(self, rows: Sequence[Sample], seeds: Sequence[int], start: None) -> Any:
        self.seen += rows
        made = []
        for row, seed in zip(rows, seeds, strict=True):
            found = coarse_images.of(row, FACTOR, SIDE // FACTOR)
            assert found is not None
            image = found.means.repeat(FACTOR, 1).repeat(FACTOR, 2) / 127.5 - 1
            made.append(image + self.rough * np.random.default_rng(seed).normal(size=image.shape))
        return np.float32(made)


def using(monkeypatch: pytest.MonkeyPatch, made: Repeated) -> Repeated:
    monkeypatch.setattr(ImageGenerator, "load", lambda self, batch: made)
    return made


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run whose generator has learned blocks of 4 pixels, and an image."""
    monkeypatch.chdir(tmp_path)
    for name in ("base", "landloom/image"):
        (tmp_path / "results/tiny" / name).mkdir(parents=True)
    told = {"mask": {}, "low_resolution": {"factor": FACTOR, "dropout": 0.1}}
    (tmp_path / "results/tiny/landloom/image/conditions.json").write_text(json.dumps(told))
    shards.dataset(SIDE).save(tmp_path / "results/tiny/statistics.json")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(raw()))
    rasters.save(tmp_path / "image.tif", rasters.noise(21, 30))
    return tmp_path


@pytest.mark.parametrize("shape", [(21, 30), (8, 8), (5, 6), (9, 8)])
def test_pixels_lie_where_the_coarse_ones_do(
    run: Path, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    """Repeated pixels come out as they went in: not shifted by half a pixel, nor mixed by blending."""
    using(monkeypatch, Repeated())
    rasters.save(run / "image.tif", rasters.noise(*shape))
    assert enlarge.main(WORDS) == 0
    with rasterio.open("image.tif") as coarse, rasterio.open("out.tif") as fine:
        assert (fine.height, fine.width) == (FACTOR * shape[0], FACTOR * shape[1])
        assert np.array_equal(fine.read(), coarse.read().repeat(FACTOR, 1).repeat(FACTOR, 2))
        assert fine.crs == coarse.crs
        assert fine.bounds == pytest.approx(coarse.bounds)
        assert fine.transform == coarse.transform @ Affine.scale(1 / FACTOR)
        assert fine.tags()["LANDLOOM_SYNTHETIC"] == "yes"


def test_means_of_new_pixels_are_the_coarse_ones(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    using(monkeypatch, Repeated(rough=0.5))
    enlarge.main(WORDS)
    with rasterio.open("image.tif") as coarse, rasterio.open("out.tif") as fine:
        found = coarse_images.blocks(fine.read(), FACTOR).means
        assert np.abs(found - coarse.read()).max() <= 0.5
        assert fine.read().std() > coarse.read().std()


def test_windows_are_blended_and_noise_belongs_to_places(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = using(monkeypatch, Repeated(rough=0.3))
    enlarge.main(WORDS)
    assert len({s.seed for s in made.seen}) == len(made.seen) == 5 * 7
    rasters.save(run / "image.tif", rasters.noise(21, 30)[:, :16])
    using(monkeypatch, Repeated(rough=0.3))
    enlarge.main([w if w != "out.tif" else "cut.tif" for w in WORDS])
    with rasterio.open("out.tif") as whole, rasterio.open("cut.tif") as cut:
        # Rows of windows that both images have.
        assert np.array_equal(whole.read()[:, : 8 * FACTOR], cut.read()[:, : 8 * FACTOR])


@pytest.mark.parametrize(("nodata", "mask"), [(0, False), (None, True)])
def test_what_is_missing_is_missing(
    run: Path, monkeypatch: pytest.MonkeyPatch, nodata: int | None, mask: bool
) -> None:
    using(monkeypatch, Repeated(rough=0.3))
    image, valid = rasters.noise(21, 30), np.ones((21, 30), bool)
    valid[3:6, 10:22] = False
    image[:, ~valid] = 0
    rasters.save(run / "image.tif", image, nodata=nodata)
    if mask:
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(run / "image.tif", "r+") as file:
            file.write_mask(valid)
    enlarge.main(WORDS)
    with rasterio.open("out.tif") as fine:
        assert fine.nodata == nodata
        assert np.array_equal(fine.dataset_mask() > 0, valid.repeat(FACTOR, 0).repeat(FACTOR, 1))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (rasters.noise(21, 30, bands=2), r"^image\.tif: 2 bands of uint8, but .* from 3 of uint8"),
        (rasters.noise(21, 30).astype(np.float32), r"^image\.tif: 3 bands of float32, but .* of uint8"),
    ],
)
def test_images_of_another_kind(
    run: Path, monkeypatch: pytest.MonkeyPatch, image: np.ndarray, message: str
) -> None:
    made = using(monkeypatch, Repeated())
    rasters.save(run / "image.tif", image)
    with pytest.raises(InputError, match=message):
        enlarge.main(WORDS)
    assert not made.seen
    assert not list(run.glob("*out*"))


@pytest.mark.parametrize("factor", ["3", "4.5"])
def test_only_the_learned_factor_can_be_had(run: Path, monkeypatch: pytest.MonkeyPatch, factor: str) -> None:
    using(monkeypatch, Repeated())
    with pytest.raises(InputError, match=rf"^--factor: {factor} is asked for, but .*image has learned 4"):
        enlarge.main([*WORDS, "--factor", factor])


def test_a_generator_without_coarse_images(run: Path) -> None:
    (run / "results/tiny/landloom/image/conditions.json").write_text('{"mask": {}}')
    with pytest.raises(InputError, match=r"has not learned low_resolution, but mask\."):
        enlarge.main(WORDS)


def learned_metadata(run: Path) -> None:
    path = run / "results/tiny/landloom/image/conditions.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"metadata": {}}))


@pytest.mark.parametrize(("words", "wanted"), [([], 2.5), (["--gsd", "0.6"], 0.6)])
def test_generators_are_told_the_distance_of_the_fine_pixels(
    run: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], wanted: float
) -> None:
    """The coarse ones span 10 m."""
    learned_metadata(run)
    made = using(monkeypatch, Repeated())
    enlarge.main([*WORDS, *words])
    assert {s.meta.gsd for s in made.seen if s.meta} == {wanted}


def test_an_image_without_a_place_tells_no_distance(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learned_metadata(run)
    made = using(monkeypatch, Repeated())
    rasters.save(run / "image.png", rasters.noise(21, 30))
    enlarge.main(["image.png", *WORDS[1:]])
    assert {s.meta.gsd for s in made.seen if s.meta} == {None}


def test_who_learned_no_metadata_is_told_none(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = using(monkeypatch, Repeated())
    enlarge.main(WORDS)
    assert {s.meta for s in made.seen} == {None}
    with pytest.raises(InputError, match=r"^--gsd: 0\.6 means nothing to .*image\."):
        enlarge.main([*WORDS[:-4], "--out", "o.tif", *WORDS[-2:], "--gsd", "0.6"])


@pytest.mark.parametrize("gsd", ["0", "-1"])
def test_a_distance_is_above_zero(run: Path, monkeypatch: pytest.MonkeyPatch, gsd: str) -> None:
    learned_metadata(run)
    using(monkeypatch, Repeated())
    with pytest.raises(InputError, match="--gsd"):
        enlarge.main([*WORDS, f"--gsd={gsd}"])


def asked(run: Path, *words: str) -> list[str]:
    return [*WORDS[:-4], "--out", "o.tif", *WORDS[-2:], *words]


@pytest.mark.parametrize("placed", [True, False])
def test_each_window_is_told_its_part_of_the_mask(
    run: Path, monkeypatch: pytest.MonkeyPatch, placed: bool
) -> None:
    """Every pixel of the mask is told where it lies, beside the coarse pixels, with words for its mix."""
    made = using(monkeypatch, Repeated())
    mask = np.kron(np.random.default_rng(5).integers(0, 3, (21, 30)), np.ones((FACTOR, FACTOR))).astype(
        np.uint8
    )
    place = (
        {"transform": rasters.GRID @ Affine.scale(1 / FACTOR)} if placed else {"transform": None, "crs": None}
    )
    rasters.save(run / "mask.tif", mask, **place)
    assert enlarge.main(asked(run, "--mask", "mask.tif")) == 0
    seen = np.full((21 * FACTOR, 30 * FACTOR), 255, np.uint8)
    for sample in made.seen:
        row, col = sample.row, sample.col
        part = sample.mask_array()[: seen.shape[0] - row, : seen.shape[1] - col]
        seen[row : row + SIDE, col : col + SIDE] = part
        coarse = coarse_images.of(sample, FACTOR, SIDE // FACTOR)
        assert coarse is not None
        assert coarse.known.all()
        shares = np.bincount(sample.mask_array().ravel(), minlength=3)[:3] / SIDE**2
        assert sample.ratios == pytest.approx(shares)
        assert all(
            (f"{n}" in (sample.caption or "")) == (s >= 0.005) for n, s in zip(NAMES, shares, strict=True)
        )
    np.testing.assert_array_equal(seen, mask)


@pytest.mark.parametrize(
    ("mask", "place", "message"),
    [
        (
            np.zeros((21, 30), np.uint8),
            {},
            r"mask\.tif, size: 30 x 21 pixels, and the finer image has 120 x 84",
        ),
        (np.zeros((84, 120), np.uint8), {}, r"mask\.tif, transform: its corners lie 360 pixels away"),
        (np.full((84, 120), 9, np.uint8), {"fine": True}, r"mask\.tif: holds 9, but there are 3 classes"),
        (np.zeros((2, 84, 120), np.uint8), {"fine": True}, r"mask\.tif: has 2 bands, a mask has one"),
    ],
)
def test_a_mask_that_does_not_fit(
    run: Path, monkeypatch: pytest.MonkeyPatch, mask: np.ndarray, place: dict[str, bool], message: str
) -> None:
    made = using(monkeypatch, Repeated())
    own = rasters.GRID @ Affine.scale(1 / FACTOR) if place else rasters.GRID
    rasters.save(run / "mask.tif", mask, transform=own)
    with pytest.raises(InputError, match=message):
        enlarge.main(asked(run, "--mask", "mask.tif"))
    assert not made.seen
    assert not list(run.glob("*o.tif*"))


def test_a_mask_of_another_coordinate_system(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    using(monkeypatch, Repeated())
    place = rasters.GRID @ Affine.scale(1 / FACTOR)
    rasters.save(run / "mask.tif", np.zeros((84, 120), np.uint8), transform=place, crs="EPSG:32651")
    with pytest.raises(InputError, match=r"mask\.tif, CRS: EPSG:32651, and the finer image has EPSG:32652"):
        enlarge.main(asked(run, "--mask", "mask.tif"))


def test_a_mask_that_is_not_there(run: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.tif"):
        enlarge.main(asked(run, "--mask", "nowhere.tif"))
