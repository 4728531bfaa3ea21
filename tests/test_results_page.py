"""docs/results.md is written from CSV files."""

from pathlib import Path

import pytest
from benchmarks import results_page

PAGE = """before
<!-- generated: images -->
old
<!-- end -->
between
<!-- generated: shapes of other -->
kept
<!-- end -->
"""


def test_a_block_is_written_from_its_run_and_others_stay(tmp_path: Path) -> None:
    folder = tmp_path / "landsat7/evaluation"
    folder.mkdir(parents=True)
    (folder / "image_quality.csv").write_text("generator,fid,n\ng,79.1999,96\nh,,3\n")
    found = results_page.page(PAGE, tmp_path)
    assert "old" not in found
    assert "| generator | fid | n |\n| --- | --- | --- |\n| g | 79.2 | 96 |\n| h |  | 3 |\n" in found
    assert found.startswith("before\n")
    assert "between\n<!-- generated: shapes of other -->\nkept\n" in found


def test_a_table_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "landsat7/evaluation").mkdir(parents=True)
    with pytest.raises(ValueError, match="no table is called nonsense"):
        results_page.page(PAGE.replace("images", "nonsense"), tmp_path)


def test_every_block_of_the_page_can_be_written() -> None:
    names = {m["name"] for m in results_page.BLOCK.finditer(results_page.PAGE.read_text())}
    assert names <= {"gains", "ratios", "shapes", "images", "quilts"}
    assert names
