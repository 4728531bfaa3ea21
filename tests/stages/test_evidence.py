from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from landloom.config.evidence import EvidenceConfig
from landloom.errors import InputError
from landloom.reporting import evidence_picture
from landloom.stages import evidence

GAIN = (
    "generator,ratio,network,synthetic_share,class,gain,ci_low,ci_high,seeds,steps,unit,units,n_real,val_gain,"
    "chosen\n"
)


def tables(folder: Path, share: float, tiles: int, gain: float) -> tuple[Path, Path]:
    """What evaluate writes of a generator at two ratios, the second chosen, and of real tiles alone."""
    made, scores = folder / f"gain-{share}.csv", folder / f"summary-{share}.csv"
    made.write_text(
        GAIN + f"01,0.2,n,0.1,mean,9,8,10,2,5,tile,4,{tiles},1.5,False\n"
        f"01,0.4,n,0.2,mean,{gain},{gain - 1},{gain + 0.5},2,5,tile,4,{tiles},2.5,True\n"
        f"01,0.4,all,0.2,mean,{gain},{gain - 1},{gain + 0.5},2,5,tile,4,{tiles},2.5,True\n"
    )
    scores.write_text(f"generator,ratio,network,class,iou_mean,difference\nreal,0,n,mean,{50 * share},\n")
    return made, scores


def made(folder: Path, labelled: list[float], *found: tuple[Path, Path]) -> tuple[pd.DataFrame, Path]:
    """Run the stage."""
    outputs = folder / "gain.csv", folder / "gain.png"
    config = EvidenceConfig(labelled=labelled)
    evidence.run(config, [g for g, _ in found], [s for _, s in found], *outputs)
    return pd.read_csv(outputs[0], dtype={"generator": str}), outputs[1]


def test_shares_are_gathered_the_smallest_first(tmp_path: Path) -> None:
    whole, part = tables(tmp_path, 1.0, 40, 2.0), tables(tmp_path, 0.25, 10, 6.0)
    table, picture = made(tmp_path, [1.0, 0.25], whole, part)
    chosen = table[table["chosen"] & (table["network"] == "n")]
    columns = ["labelled", "n_real", "ratio", "real", "gain", "low", "high", "seeds"]
    assert chosen[columns].to_numpy().tolist() == [
        [0.25, 10, 0.4, 12.5, 6.0, 5.0, 6.5, 2],
        [1.0, 40, 0.4, 50.0, 2.0, 1.0, 2.5, 2],
    ]
    assert len(table) == 6
    assert set(table["generator"]) == {"01"}  # no number
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    assert (pixels == (0x2A, 0x7F, 0x86)).all(-1).sum() > 200  # the line of the first generator


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    found = [tables(tmp_path, 0.5, 20, 1.0)]
    _, picture = made(tmp_path, [0.5], *found)
    first = picture.read_bytes()
    made(tmp_path, [0.5], *found)
    assert picture.read_bytes() == first


def test_a_table_too_few_and_a_table_without_gains_are_named(tmp_path: Path) -> None:
    found = tables(tmp_path, 0.5, 20, 1.0)
    with pytest.raises(InputError, match=r"--gains: 1 tables are given for 2 shares"):
        made(tmp_path, [0.5, 1.0], found)
    found[0].write_text(GAIN)
    with pytest.raises(InputError, match=r"gain-0\.5\.csv: holds no gain\. .*data\.split\.test"):
        made(tmp_path, [0.5], found)


def test_one_network_has_one_panel_and_several_have_their_mean_last() -> None:
    assert evidence_picture.panels(pd.DataFrame({"network": ["n", "all"]})) == ["n"]
    assert evidence_picture.panels(pd.DataFrame({"network": ["b", "a", "all", "b"]})) == ["b", "a", "all"]
