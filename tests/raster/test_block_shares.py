from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from landloom.errors import InputError
from landloom.raster import block_shares
from landloom.raster.class_map import Grid

NAMES = ["a", "b", "c"]
PLACE = [2.0, 0, 1000, 0, -2.0, 5000]
GRID = Grid(40, 64, "EPSG:32640", PLACE)  # two by two blocks of 32 pixels
SHARES = np.array([[[0.5, 0.5, 0], [1, 0, 0]], [[0, 0.25, 0.75], [0.2, 0.3, 0.5]]])
LINES = ["row,col,a,b,c", "0,0,0.5,0.5,0", "0,1,1,,", "1,0,0,0.25,0.75", "1,1,0.2,0.3,0.5"]


def raster(path: Path, shares: np.ndarray = SHARES, crs: str = "EPSG:32640", left: float = 1000) -> Path:
    rows, cols, bands = shares.shape
    place = Affine(64, 0, left, 0, -64, 5000)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=rows,
        width=cols,
        count=bands,
        dtype="float32",
        crs=crs,
        transform=place,
    ) as file:
        file.write(np.moveaxis(shares, -1, 0).astype(np.float32))
    return path


def table(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_and_a_raster_tell_the_same(tmp_path: Path) -> None:
    found = block_shares.read(table(tmp_path / "s.csv", LINES), GRID, NAMES, 32)
    assert found == pytest.approx(SHARES)
    assert block_shares.read(raster(tmp_path / "s.tif"), GRID, NAMES, 32) == pytest.approx(SHARES)


def test_a_class_that_a_table_leaves_out_is_zero(tmp_path: Path) -> None:
    lines = ["row,col,b", *(f"{i},{j},1" for i in range(2) for j in range(2))]
    found = block_shares.read(table(tmp_path / "s.csv", lines), GRID, NAMES, 32)
    assert (found == [0, 1, 0]).all()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([*LINES[:4], "1,1,0.2,0.3,0.4"], r"block at row 1, column 1: .* sum to one: 0\.2 0\.3 0\.4"),
        ([*LINES[:4], "1,1,-0.2,0.7,0.5"], "0 or more"),
        (LINES[:4], r"block \(1, 1\) of 2 x 2 blocks is missing"),
        ([*LINES, "2,0,1,0,0"], r"line 6: block \(2, 0\) is outside of 2 x 2"),
        ([*LINES, "1,0,1,0,0"], "is there twice"),
        ([*LINES[:4], "1,1,x,0.3,0.5"], "line 5: not a number"),
        (["row,col,d", "0,0,1"], "no class is called d. Use a, b, c"),
        (["row,a,b,c", "0,1,0,0"], "has no column col"),
        ([""], "has no column col, row"),
    ],
)
def test_tables_that_cannot_be_meant(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        block_shares.read(table(tmp_path / "s.csv", lines), GRID, NAMES, 32)


def test_rasters_that_do_not_fit(tmp_path: Path) -> None:
    def refused(message: str, grid: Grid = GRID, **more: object) -> None:
        with pytest.raises(InputError, match=message):
            block_shares.read(raster(tmp_path / "s.tif", **more), grid, NAMES, 32)  # type: ignore[arg-type]

    refused("EPSG:32639, but the scene has EPSG:32640", crs="EPSG:32639")
    refused("EPSG:32640, but the scene has none", Grid(40, 64, None, None))
    refused(
        r"has 2 x 3 blocks, the scene has 2 x 2 blocks of 32",
        shares=np.concatenate([SHARES, SHARES[:, :1]], 1),
    )
    refused("has 2 bands, and there are 3 classes", shares=SHARES[..., :2])
    refused("lies 5 pixels beside", left=1010)
    broken = tmp_path / "b.tif"
    broken.write_bytes(b"no")
    with pytest.raises(InputError, match="cannot be read"):
        block_shares.read(broken, GRID, NAMES, 32)
