"""A report with scenes and a dark image, opened in a browser."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from landloom.data import samples
from landloom.raster import codec
from tests import exports, report_world
from tests.browser import Browser, browser
from tests.report_world import World

HEIGHT, WIDTH = 1100, 1400


def scene_mask() -> NDArray[np.uint8]:
    """Class indices (1100, 1400) in patches of 50 pixels."""
    cells = np.random.default_rng(5).integers(0, 3, (HEIGHT // 50, WIDTH // 50)).astype(np.uint8)
    return cells.repeat(50, 0).repeat(50, 1)


def write_scenes(root: Path) -> None:
    """A scene in whose image a class is a grey, and the same one so dark that it looks black."""
    mask = scene_mask()
    grey = np.repeat((mask * 100 + 20)[None], 3, 0).astype(np.uint8)
    report_world.scene(root / "scene_masks", "east", grey, mask)
    report_world.scene(root / "landloom/scenes", "night", (grey // 25 + 2).astype(np.uint8), mask)


def dark_tile() -> NDArray[np.uint8]:
    """An image (3, 16, 16) with values from 2 to 9."""
    return np.tile(np.arange(2, 10, dtype=np.uint8).repeat(2), (3, 16, 1))


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A folder of results with its report."""
    root = tmp_path_factory.mktemp("seen") / "results" / "tiny"
    found = report_world.build(root)
    night = exports.sample("night-0", 3, source="night", target_ratios=[0.2, 0.5, 0.3])
    night.image = codec.encode(dark_tile())
    shard = root / "night/curated/0.parquet"
    shard.parent.mkdir(parents=True)
    samples.write(shard, [night], {"generator": "night"})
    write_scenes(root)
    found.run()
    return found


@pytest.fixture(scope="package")
def page(world: World) -> Path:
    """The report."""
    return world.root / "report/index.html"


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser."""
    with browser() as found:
        yield found
