"""Average precision by hand, and beside pycocotools' own."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from pycocotools.mask import frPyObjects

from landloom.data.objects import Object
from landloom.data.samples import Sample
from landloom.detection.boxes import Found, Kind, corners
from landloom.detection.scenes import SceneBoxes
from landloom.detection.scores import THRESHOLDS, matched, precision

TWICE = np.deg2rad(90)


def box(x: float, y: float, long: float = 10, short: float = 10, twice: float = 0.0) -> list[float]:
    rows = np.array([[x, y, long, short, np.sin(twice), np.cos(twice)]])
    return corners(rows)[0].ravel().tolist()


def found(*rows: tuple[float, list[float]], category: int = 0) -> Found:
    """Boxes of one class with their scores, best first."""
    ordered = sorted(rows, key=lambda r: -r[0])
    quads = np.array([r[1] for r in ordered]).reshape(-1, 4, 2)
    return Found(quads, np.full(len(rows), category), np.array([r[0] for r in ordered], np.float64))


def scene(objects: list[Object], seen: Found, col: int = 0) -> SceneBoxes:
    made = SceneBoxes()
    made.add(Sample(id="a", scene="s", col=col, objects=objects), seen)
    return made


def averages(one: SceneBoxes, kind: Kind = "rotated", category: int = 0) -> list[float]:
    rows = matched({"s": one}, category + 1, kind).values()
    return precision([tile[category] for tile in rows])[0].tolist()


def ap50(one: SceneBoxes, kind: Kind = "rotated", category: int = 0) -> float:
    return averages(one, kind, category)[0]


HERE, THERE, NOWHERE = box(20, 20), box(60, 20), box(100, 100)
TWO = [Object(0, HERE), Object(0, THERE)]


def test_all_found_is_one_and_nothing_found_is_nought() -> None:
    assert ap50(scene(TWO, found((0.9, HERE), (0.8, THERE)))) == 1
    assert ap50(scene(TWO, found())) == 0
    assert np.isnan(ap50(scene([], found((0.9, HERE)))))


def test_one_of_two_found_has_precision_one_up_to_half_of_recall() -> None:
    """Of recalls 0, 0.01, ... 1 the first 51 are reached."""
    assert ap50(scene(TWO, found((0.9, HERE)))) == pytest.approx(51 / 101)


def test_a_second_box_on_one_object_is_wrong() -> None:
    """Right, wrong, right: precision is 1 up to a recall of 0.5, then 2/3."""
    seen = found((0.9, HERE), (0.8, box(21, 20)), (0.7, THERE))
    assert ap50(scene(TWO, seen)) == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_wrong_box_costs_what_comes_after_it() -> None:
    assert ap50(scene(TWO, found((0.9, NOWHERE), (0.8, HERE), (0.7, THERE)))) == pytest.approx(2 / 3)
    assert ap50(scene(TWO, found((0.1, NOWHERE), (0.8, HERE), (0.7, THERE)))) == 1


def test_a_difficult_object_is_neither_missed_nor_found() -> None:
    hard = [Object(0, HERE), Object(0, THERE, difficult=True)]
    assert ap50(scene(hard, found((0.9, HERE)))) == 1
    assert ap50(scene(hard, found((0.95, THERE), (0.93, THERE), (0.9, HERE)))) == 1
    assert np.isnan(ap50(scene(hard[1:], found((0.9, THERE)))))


def test_what_lies_in_a_difficult_object_is_not_wrong() -> None:
    """A small box covers 4 of the 100 pixels of a difficult object, and lies in it as a whole."""
    hard = [Object(0, HERE), Object(0, THERE, difficult=True)]
    assert ap50(scene(hard, found((0.95, box(60, 20, 2, 2)), (0.9, HERE)))) == 1
    assert ap50(scene(hard[:1], found((0.95, box(60, 20, 2, 2)), (0.9, HERE)))) == 0.5


def test_squares_at_45_degrees_overlap_by_an_octagon() -> None:
    """Intersection over union is 0.707: found at 0.5 to 0.7, not from 0.75 on."""
    turned = box(20, 20, twice=TWICE)
    assert averages(scene([Object(0, HERE)], found((0.9, turned)))) == [1.0] * 5 + [0.0] * 5


def test_a_thin_box_turned_by_a_right_angle_is_missed() -> None:
    along, across = box(20, 20, 20, 4), box(20, 20, 20, 4, np.pi)
    assert ap50(scene([Object(0, along)], found((0.9, across)))) == 0


def test_level_boxes_are_scored_by_the_boxes_around_them() -> None:
    diamond, square = box(20, 20, twice=TWICE), box(20, 20, 15, 15)
    assert ap50(scene([Object(0, diamond)], found((0.9, square))), "horizontal") == 1
    assert ap50(scene([Object(0, diamond)], found((0.9, square)))) == 0  # more than half of it is outside


def test_another_class_is_not_found() -> None:
    seen = scene(TWO, found((0.9, HERE), category=1))
    assert ap50(seen) == 0
    assert np.isnan(ap50(seen, category=1))


def test_an_object_in_two_tiles_counts_once() -> None:
    """The second tile begins 16 pixels further; a box found twice is no second box."""
    one = scene(TWO, found((0.9, HERE), (0.8, THERE)))
    shifted = [Object(0, box(44, 20))]
    one.add(Sample(id="b", scene="s", col=16, objects=shifted), found((0.95, box(44.5, 20))))
    assert len(one.objects) == 2
    assert one.merged()[0].scores.tolist() == [0.95, 0.9]
    assert one.merged()[1].tolist() == [1, 0]
    assert ap50(one) == 1
    tiles = matched({"s": one}, 1, "rotated")
    assert list(tiles) == [("s", "a"), ("s", "b")]
    assert [(m.objects, m.scores.tolist()) for (m,) in tiles.values()] == [(2, [0.9]), (0, [0.95])]


def test_boxes_of_one_tile_are_never_merged() -> None:
    one = scene(TWO, found((0.9, HERE), (0.8, box(21, 20))))
    one.add(Sample(id="b", scene="s", objects=[]), found())
    assert len(one.merged()[0].scores) == 2


def test_units_that_are_drawn_twice_count_twice() -> None:
    good, bad = (scene(TWO, f) for f in (found((0.9, HERE), (0.5, THERE)), found((0.7, NOWHERE))))
    (a,), (b,) = matched({"a": good, "b": bad}, 1, "rotated").values()
    drawn = precision([a, b], np.array([[1, 1], [2, 0], [2, 1], [0, 2]]))[:, 0]
    assert drawn.tolist() == [float(precision(m)[0, 0]) for m in ([a, b], [a, a], [a, a, b], [b, b])]
    assert drawn[1:].tolist() == [1, pytest.approx(drawn[2]), 0]


quads = st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0, 3), st.floats(4, 9)).map(
    lambda p: box(12 + 14 * p[0], 12 + 14 * p[1], 10, p[3], p[2])
)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.lists(st.tuples(quads, st.booleans()), max_size=6), min_size=1, max_size=3),
    st.lists(st.lists(st.tuples(quads, st.integers(1, 9)), max_size=8), min_size=3, max_size=3),
)
def test_pycocotools_says_the_same(
    truth: list[list[tuple[list[float], bool]]], seen: list[list[tuple[list[float], int]]]
) -> None:
    """Its overlaps are those of pixels, so boxes that lie at a threshold may differ."""
    scenes = {
        str(i): scene([Object(0, q, hard) for q, hard in objects], found(*((s / 10, q) for q, s in boxes)))
        for i, (objects, boxes) in enumerate(zip(truth, seen, strict=False))
    }
    own = precision([m[0] for m in matched(scenes, 1, "rotated").values()])[0]
    theirs = drawn_on_pixels(scenes)
    if theirs is None:
        assert np.isnan(own).all()
    else:
        agree = np.isclose(own, theirs)
        assert agree.sum() >= len(THRESHOLDS) - 3


def drawn_on_pixels(scenes: dict[str, SceneBoxes]) -> np.ndarray | None:
    """COCO's scores of outlines drawn eight times as large, None without objects."""
    size, large = 8 * 110, 8
    coco, rows = COCO(), []
    truth, images = [], [{"id": i, "height": size, "width": size} for i in range(1, len(scenes) + 1)]
    for i, one in enumerate(scenes.values(), 1):
        for o, _ in one.objects.values():
            drawn = frPyObjects([[large * v for v in o.corners]], size, size)[0]
            row = {"segmentation": drawn, "iscrowd": int(o.difficult), "area": 1, "bbox": [0, 0, 1, 1]}
            truth.append({"id": len(truth) + 1, "image_id": i, "category_id": 0} | row)
        best, _ = one.merged()
        for quad, score in zip(best.corners, best.scores, strict=True):
            drawn = frPyObjects([(large * quad).ravel().tolist()], size, size)[0]
            rows.append({"image_id": i, "category_id": 0, "segmentation": drawn, "score": float(score)})
    if all(t["iscrowd"] for t in truth):
        return None
    coco.dataset = {"images": images, "categories": [{"id": 0}], "annotations": truth}
    with contextlib.redirect_stdout(None):
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(rows) if rows else COCO(), "segm")
        if not rows:
            return np.zeros(10)
        evaluation.evaluate()
        evaluation.accumulate()
    return np.asarray(evaluation.eval["precision"][:, :, 0, 0, -1].mean(1))
