"""The score of ``benchmarks/seams.py`` on images whose steps are known."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests import rasters

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def seams(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    import seams

    return seams


def test_a_ramp_with_a_jump_at_each_border(seams: ModuleType) -> None:
    """Steps of 1, and of 3 before columns 4 and 8; rows are alike, with a jump nowhere."""
    row = np.cumsum([0, 1, 1, 1, 3, 1, 1, 1, 3, 1, 1, 1])
    image = (row[:, None] + row[None]).astype(float)[None]
    assert seams.score(seams.steps(image), 4) == pytest.approx(3)
    # The grid beside: its six lines hold a step of 1, of the sixteen others four hold one of 3.
    assert seams.score(seams.steps(image), 4, 1) == pytest.approx(1 / ((12 * 1 + 4 * 3) / 16))


def test_bands_of_other_ranges_count_alike(seams: ModuleType) -> None:
    image = np.random.default_rng(0).normal(size=(1, 64, 64))
    both = np.concatenate([image, 1000 * image + 7])
    assert seams.score(seams.steps(both), 8) == pytest.approx(seams.score(seams.steps(image), 8))


def test_changes_of_class(seams: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mask = np.zeros((8, 8), np.uint8)
    mask[:, 4:] = 1
    rows, columns = seams.changes(mask)
    assert rows.tolist() == [0] * 7
    assert columns.tolist() == [0, 0, 0, 1, 0, 0, 0]
    path = rasters.save(
        tmp_path / "scene.mask.tif", np.random.default_rng(1).integers(0, 3, (64, 64)).astype("u1")
    )
    seams.line(path.name, [path], 8, own=True)
    name, at, others = capsys.readouterr().out.strip("| \n").split(" | ")
    assert name == "scene.mask.tif"
    assert float(at) == pytest.approx(1, abs=0.1)
    assert float(others.split(" ± ")[0]) == pytest.approx(1, abs=0.05)
