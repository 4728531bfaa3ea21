from collections.abc import Sequence
from pathlib import Path

import pytest

from landloom.errors import InputError
from landloom.starting import pairing, patterns


def never(path: Path) -> bool:
    raise AssertionError(f"{path} was opened although names say what it is")


def laid(folder: Path, names: Sequence[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


LAYOUTS = {
    "equal names": (
        ["images/a1.tif", "images/b2.tif", "masks/a1.png", "masks/b2.png"],
        [("images/a1.tif", "masks/a1.png"), ("images/b2.tif", "masks/b2.png")],
        ("images/{scene}.tif", "masks/{scene}.png"),
    ),
    "suffix in one folder": (
        ["p1.tif", "p1_mask.tif", "p2.tif", "p2_mask.tif"],
        [("p1.tif", "p1_mask.tif"), ("p2.tif", "p2_mask.tif")],
        ("p{scene}.tif", "p{scene}_mask.tif"),
    ),
    "both have suffixes": (
        ["o/top_2_10_RGB.tif", "o/top_2_11_RGB.tif", "l/top_2_10_label.tif", "l/top_2_11_label.tif"],
        [("o/top_2_10_RGB.tif", "l/top_2_10_label.tif"), ("o/top_2_11_RGB.tif", "l/top_2_11_label.tif")],
        ("o/top_2_{scene}_RGB.tif", "l/top_2_{scene}_label.tif"),
    ),
    "folders of tiles": (
        [f"Tile {t}/{k}/image_part_00{p}.{s}" for t in (1, 2) for p in (1, 2)
         for k, s in (("images", "jpg"), ("masks", "png"))],
        [(f"Tile {t}/images/image_part_00{p}.jpg", f"Tile {t}/masks/image_part_00{p}.png")
         for t in (1, 2) for p in (1, 2)],
        ("Tile {scene}/images/image_part_{part}.jpg", "Tile {scene}/masks/image_part_{part}.png"),
    ),
    "other words between numbers": (
        [f"{k}/{d}_{w}_{i}.tif" for d in (202309, 202412) for i in (9, 10)
         for k, w in (("images", "patchN"), ("labels", "mask"))],
        [(f"images/{d}_patchN_{i}.tif", f"labels/{d}_mask_{i}.tif")
         for d in (202309, 202412) for i in (9, 10)],
        ("images/{scene}_patchN_{part}.tif", "labels/{scene}_mask_{part}.tif"),
    ),
    "numbers with and without zeros": (
        ["images/001.jpg", "images/002.jpg", "gt/m1.png", "gt/m2.png"],
        [("images/001.jpg", "gt/m1.png"), ("images/002.jpg", "gt/m2.png")],
        None,
    ),
    "a set without images beside it": (
        ["images_third/1.jpg", "images_third/2.jpg", "masks_third/1.png", "masks_third/2.png",
         "masks_only_third/1.png", "masks_only_third/3.png", "full/1.tif"],
        [("images_third/1.jpg", "masks_third/1.png"), ("images_third/2.jpg", "masks_third/2.png")],
        ("images_third/{scene}.jpg", "masks_third/{scene}.png"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pairs_and_their_patterns(layout: str, tmp_path: Path) -> None:
    names, expected, pattern = LAYOUTS[layout]
    found = pairing.pair(laid(tmp_path, names), never)
    assert [(i.as_posix(), m.as_posix()) for i, m in found.files] == expected
    assert patterns.find(found.files) == pattern


def test_what_is_left_over_is_counted(tmp_path: Path) -> None:
    names = ["images/1.jpg", "images/2.jpg", "images/3.jpg", "masks/1.png", "masks/9.png"]
    found = pairing.pair(laid(tmp_path, names), never)
    assert (len(found.files), found.lonely_images, found.lonely_masks) == (1, 2, 1)


def test_files_are_looked_at_where_names_say_nothing(tmp_path: Path) -> None:
    laid(tmp_path, ["7.tif", "7.png", "8.tif", "8.png"])
    found = pairing.pair(tmp_path, lambda p: p.suffix == ".png")
    assert [(str(i), str(m)) for i, m in found.files] == [("7.tif", "7.png"), ("8.tif", "8.png")]


def test_images_that_are_called_so_are_not_looked_at(tmp_path: Path) -> None:
    laid(tmp_path, ["sat/7.png", "map/7.png", "sat/8.png", "map/8.png"])
    asked: list[str] = []

    def looked(path: Path) -> bool:
        asked.append(path.parent.name)
        return True

    found = pairing.pair(tmp_path, looked)
    assert [(str(i), str(m)) for i, m in found.files] == [
        ("sat/7.png", "map/7.png"),
        ("sat/8.png", "map/8.png"),
    ]
    assert asked == ["map"]


def test_numbers_are_sorted_as_people_do(tmp_path: Path) -> None:
    names = [f"{k}/{i}.png" for k in ("images", "masks") for i in (1, 9, 10)]
    found = pairing.pair(laid(tmp_path, names), never)
    assert [i.stem for i, _ in found.files] == ["1", "9", "10"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "holds no rasters"),
        (["notes.txt"], "holds no rasters"),
        (["images/a.png", "masks/b.png"], "no image goes with a mask: 1 images .*1 masks"),
        (["images/a.jpg", "images/a.tif", "masks/a.png"], r"2 images for one mask: images/a\.jpg"),
        (["images/a.jpg", "masks/a.png", "masks/a.tif"], "2 masks for one image"),
    ],
)  # fmt: skip
def test_what_cannot_be_paired_is_said(names: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        pairing.pair(laid(tmp_path, names), never)


def test_absent_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        pairing.pair(tmp_path / "nowhere", never)


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    laid(tmp_path / "far", ["1.png"])
    laid(tmp_path / "root", ["masks/1.png"])
    (tmp_path / "root/images").symlink_to(tmp_path / "far")
    (tmp_path / "root/masks/up").symlink_to(tmp_path / "root")
    assert [p.as_posix() for p in pairing.rasters(tmp_path / "root")] == ["images/1.png", "masks/1.png"]
