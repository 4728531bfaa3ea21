from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from landloom.errors import InputError
from landloom.raster import first_look
from landloom.raster.first_look import Header, Kind
from landloom.starting import legend
from landloom.starting.legend import Legend
from tests.rasters import save


def header(**changes: object) -> Header:
    plain = {
        "path": Path("m.png"), "height": 9, "width": 9, "dtypes": ("uint8",), "colors": ("gray",),
        "palette": {}, "nodata": None, "crs": None, "gsd": None, "ground": None, "lossy": False,
    }  # fmt: skip
    return Header(**(plain | changes))  # type: ignore[arg-type]


def proposed(
    pixels: dict[int, int], kind: Kind = "integers", root: Path = Path("nowhere"), **of: object
) -> Legend:
    return legend.propose(kind, Counter(pixels), [header(**of)], root)


def test_numbers_are_classes_by_their_own_names() -> None:
    found = proposed({10: 5, 30: 20, 50: 75})
    assert found.names == {10: "class_10", 30: "class_30", 50: "class_50"}
    assert [found.share(v) for v in found.names] == [0.05, 0.2, 0.75]
    assert (found.ignore, found.tolerance) == ([], 0)
    assert len(set(found.colors.values())) == 3


def test_rare_neighbours_are_classes_unless_they_look_like_noise() -> None:
    assert len(proposed({v: 10**6 if v % 2 else 3 for v in range(25)}).names) == 25
    noise = proposed({0: 10**6, 255: 10**6, 1: 30, 2: 8, 254: 40})
    assert noise.names == {0: "background", 255: "foreground"}
    assert noise.tolerance == 2
    assert noise.pixels == {0: 10**6 + 38, 255: 10**6 + 40}


def test_jpeg_masks_get_a_tolerance_that_takes_every_pixel(tmp_path: Path) -> None:
    mask = np.zeros((3, 64, 64), np.uint8)
    mask[:, :, 30:] = 255
    mask[:, 20:40, 10:20] = 255
    path = save(tmp_path / "m.jpg", mask, quality=60)
    values, said = first_look.values(path), first_look.header(path)
    assert said.lossy
    assert len(values.pixels) > 2
    kind, counts = legend.together([values], [said])
    found = legend.propose(kind, counts[0], [said], tmp_path)
    assert list(found.names) == [0, 255]
    far = max(min(v, 255 - v) for v in values.pixels)
    assert found.tolerance >= far > 0
    assert sum(found.pixels.values()) == 64 * 64


def test_255_beside_small_numbers_and_nodata_are_ignored() -> None:
    assert proposed({0: 5, 1: 5, 2: 5, 255: 1}).ignore == [255]
    assert proposed({0: 5, 255: 5}).ignore == []
    assert proposed({0: 5, 1: 5, 2: 9}, nodata=0.0).ignore == [0]


def test_palette_gives_the_colours() -> None:
    found = proposed({1: 5, 2: 5}, "palette", palette={1: "#112233", 2: "#445566"})
    assert found.colors == {1: "#112233", 2: "#445566"}


def test_well_known_colours_bring_names() -> None:
    dubai = {0x3C1098: 13, 0x8429F6: 52, 0x6EC1E4: 9, 0xFEDD3A: 10, 0xE2A929: 13, 0x9B9B9B: 1, 0: 1}
    found = proposed(dubai, "colours")
    assert found.names["#3c1098"] == "building"
    assert next(iter(found.names)) == "#8429f6"  # the most frequent first
    assert set(found.ignore) == {"#9b9b9b", "#000000"}
    other = proposed({0x3C1098: 13, 0x123456: 5}, "colours")
    assert list(other.names.values()) == ["class_1", "class_2"]


def test_well_known_colours_that_compression_has_moved() -> None:
    blurred = {0x0001FD: 40, 0x02FFFE: 30, 0xFFFEFF: 30, 0x01FF02: 30, 0xFE0001: 20, 0x0000F0: 2}
    found = proposed(blurred, "colours", lossy=True)
    assert found.names["#0000ff"] == "building"
    assert found.pixels["#0000ff"] == 42
    assert found.tolerance == 15


def test_pixels_between_classes_are_told() -> None:
    found = proposed(
        {0x000000: 900, 0x640000: 900, 0xFFFFFF: 900, 0x808080: 300, 0x310000: 1}, "colours", lossy=True
    )
    assert not any("lie between" in s for s in found.said)
    between = proposed({0x000000: 900, 0x640000: 900, 0xFFFFFF: 900, 0xB00000: 2}, "colours", lossy=True)
    assert any("lie between classes" in s for s in between.said)


def test_names_beside_the_data(tmp_path: Path) -> None:
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\nroad,255,0,0\nmean,0,0,255\n")
    found = proposed({0xFF0000: 1, 0x0000FF: 3, 0x00FF00: 2}, "colours", tmp_path)
    assert found.names == {"#0000ff": "mean_class", "#00ff00": "class_2", "#ff0000": "road"}


def test_palettes_that_differ_are_read_as_colours() -> None:
    values = [first_look.Values("palette", Counter({1: 4})), first_look.Values("colours", Counter({0xFF: 6}))]
    kind, counts = legend.together(values, [header(palette={1: "#0000ff"}), header()])
    assert kind == "colours"
    assert counts == [Counter({0xFF: 4}), Counter({0xFF: 6})]
    two = [first_look.Values("palette", Counter({1: 4}))] * 2
    assert (
        legend.together(two, [header(palette={1: "#0000ff"}), header(palette={1: "#00ff00"})])[0] == "colours"
    )
    assert legend.together(two, [header(palette={1: "#0000ff"})] * 2)[0] == "palette"


@pytest.mark.parametrize(
    ("pixels", "said"), [({3: 9}, "a single value"), ({v: 1 for v in range(300)}, "300 values")]
)
def test_what_is_no_mask_is_said(pixels: dict[int, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        proposed(pixels)


def test_two_classes_never_get_one_name() -> None:
    found = proposed({1: 5, 2: 5, 3: 5})
    legend.renamed(found, 1, "road")
    legend.renamed(found, 2, "road")
    assert found.names == {1: "road", 2: "road_2", 3: "class_3"}
