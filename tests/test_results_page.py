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


GAIN = """labelled,n_real,generator,ratio,network,class,real,gain,low,high,seeds,val_gain,chosen
0.5,8,quilt,1,all,road,20,3,1,5,3,1,True
0.5,8,quilt,1,all,mean,40,1.5,-0.26,3.2,3,1,True
0.25,4,quilt,1,all,road,20,-2,-3,-1,3,1,True
0.25,4,quilt,1,all,mean,30,0.5,-1,2,3,1,True
0.25,4,quilt,1,unet,mean,31,9,8,9.5,3,1,True
0.25,4,quilt,2,all,mean,30,9,8,9.5,3,0,False
"""


def test_the_evidence_is_told_and_copied(tmp_path: Path) -> None:
    folder = tmp_path / "results/other/evidence"
    folder.mkdir(parents=True)
    (folder / "gain.csv").write_text(GAIN)
    (folder / "gain.png").write_bytes(b"picture")
    page = PAGE.replace("shapes of other", "evidence of other")
    found = results_page.page(page, tmp_path / "results")
    assert "kept" not in found
    assert "| labelled | real tiles | generator | real alone, mIoU | gain | road |" in found
    told = "| 25 % | 4 | quilt | 30.0 | +0.5 (-1.0 to +2.0) | -2.0 |\n"
    assert told + "| 50 % | 8 | quilt | 40.0 | +1.5 (-0.3 to +3.2) | +3.0 |\n" in found
    results_page.copy(page, tmp_path / "results", tmp_path / "docs")
    assert (tmp_path / "docs/other.csv").read_text() == GAIN
    assert (tmp_path / "docs/other.png").read_bytes() == b"picture"


def test_a_table_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "landsat7/evaluation").mkdir(parents=True)
    with pytest.raises(ValueError, match="no table is called nonsense"):
        results_page.page(PAGE.replace("images", "nonsense"), tmp_path)


def test_every_block_of_the_page_can_be_written() -> None:
    names = {m["name"] for m in results_page.BLOCK.finditer(results_page.PAGE.read_text())}
    assert names <= {"gains", "ratios", "shapes", "images", "quilts", "evidence"}
    assert names
