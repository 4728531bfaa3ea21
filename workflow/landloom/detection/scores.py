"""Average precision of what was found: matched as COCO matches (Lin et al. 2014), on whole scenes.

Boxes at an angle are matched by the exact overlap of their outlines: pycocotools would draw them on pixels,
which costs small objects some of their overlap.
"""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from landloom.detection.boxes import Array, Kind, outline, overlaps
from landloom.detection.scenes import SceneBoxes

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Overlaps (intersection over union) from which a box counts as found: the first is that of AP50."""
RECALLS = np.linspace(0, 1, 101)
"""Where COCO reads precision."""


class Matches(NamedTuple):
    """What was found of one class on one piece of ground.

    Attributes:
        objects: that are to be found.
        scores: of all that was found (D,), from the highest.
        hits: whether each is an object, at each threshold (T, D).
        ignored: whether it counts at all (T, D): what matches a difficult object does not.
    """

    objects: int
    scores: Array
    hits: NDArray[np.bool_]
    ignored: NDArray[np.bool_]


class Evaluation(COCOeval):  # type: ignore[misc]
    """COCO's matching, with the overlap of outlines."""

    def __init__(self, truth: COCO, found: COCO) -> None:
        super().__init__(truth, found, "bbox")
        self.params.iouThrs, self.params.areaRng, self.params.areaRngLbl = THRESHOLDS, [[0, np.inf]], ["all"]
        self.params.maxDets = [10**9]

    def computeIoU(self, imgId: int, catId: int) -> Any:
        """Overlaps (D, G) of what was found, from the highest score, with the objects of a class.

        Of a difficult object they are shares of what was found: all that lies in it is left out.
        """
        truth, found = self._gts[imgId, catId], self._dts[imgId, catId]
        if not truth and not found:
            return []
        found = [found[i] for i in np.argsort([-d["score"] for d in found], kind="mergesort")]
        one, other = (np.reshape([r["corners"] for r in rows], (-1, 4, 2)) for rows in (found, truth))
        shared = overlaps(one, other)
        area = [np.reshape([r["area"] for r in rows], -1) for rows in (found, truth)]
        inner = shared / (1 + shared) * (area[0][:, None] + area[1][None])
        inside = np.divide(inner, area[0][:, None], out=np.zeros_like(inner), where=area[0][:, None] > 0)
        return np.where([bool(r["iscrowd"]) for r in truth], inside, shared)


Ground = tuple[str, str]
"""A scene and a tile of it; what lies in several tiles is counted in one of them."""


def matched(scenes: Mapping[str, SceneBoxes], classes: int, kind: Kind) -> dict[Ground, list[Matches]]:
    """Matches of each class, by tile; they are those of whole scenes, taken apart."""
    truth, found = [], []
    for image, boxes in enumerate(scenes.values(), 1):
        corners, categories, difficult, tile = boxes.truth(kind)
        truth += _rows(image, corners, categories, iscrowd=difficult.astype(int), tile=tile)
        best, seen_in = boxes.merged()
        found += _rows(image, outline(best.corners, kind), best.categories, score=best.scores, tile=seen_in)
    images = [{"id": i} for i in range(1, len(scenes) + 1)]
    evaluation = Evaluation(*(_coco(images, classes, rows) for rows in (truth, found)))
    with contextlib.redirect_stdout(None):
        evaluation.evaluate()
    result: dict[Ground, list[Matches]] = {}
    for i, (name, boxes) in enumerate(scenes.items()):
        # Classes come first there, then images.
        own = [Apart(row, truth, found) for row in evaluation.evalImgs[i :: len(images)]]
        for number, tile_name in enumerate(boxes.tiles):
            result[name, tile_name] = [row.in_tile(number) for row in own]
    return result


class Apart:
    """What COCO says of a class in a scene, to be taken apart by tiles; ``row`` is None if it is nowhere."""

    def __init__(
        self, row: Mapping[str, Any] | None, truth: list[dict[str, Any]], found: list[dict[str, Any]]
    ) -> None:
        none = np.zeros((len(THRESHOLDS), 0), np.bool_)
        given = row or {"gtIds": [], "gtIgnore": [], "dtIds": [], "dtScores": []}
        counted = zip(given["gtIds"], given["gtIgnore"], strict=True)
        self.asked = np.array([truth[i - 1]["tile"] for i, out in counted if not out], np.int64)
        self.tile = np.array([found[i - 1]["tile"] for i in given["dtIds"]], np.int64)
        self.scores = np.array(given["dtScores"], np.float64)
        self.hits = row["dtMatches"] > 0 if row else none
        self.ignored = row["dtIgnore"] > 0 if row else none

    def in_tile(self, number: int) -> Matches:
        """What belongs to a tile."""
        mine = self.tile == number
        asked = int((self.asked == number).sum())
        return Matches(asked, self.scores[mine], self.hits[:, mine], self.ignored[:, mine])


def _rows(
    image: int, corners: Array, categories: NDArray[np.int64], **more: NDArray[Any]
) -> list[dict[str, Any]]:
    x, y = corners[..., 0], corners[..., 1]
    area = np.abs((x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(1)) / 2
    columns = {"category_id": categories, "corners": corners, "area": area, **more}
    same = {"image_id": image, "iscrowd": 0}
    return [same | {k: v[i] for k, v in columns.items()} for i in range(len(corners))]


def _coco(images: list[dict[str, Any]], classes: int, rows: list[dict[str, Any]]) -> COCO:
    made = COCO()
    for i, row in enumerate(rows, 1):
        row["id"] = i  # an id of 0 would count as no match
    made.dataset = {
        "images": images, "categories": [{"id": i} for i in range(classes)], "annotations": rows,
    }  # fmt: skip
    with contextlib.redirect_stdout(None):
        made.createIndex()
    return made


def precision(found: Sequence[Matches], times: NDArray[np.int64] | None = None) -> Array:
    """Average precision (R, T) of one class at each threshold, NaN without objects: mean over 101 recalls.

    Args:
        found: matches on each piece of ground (U).
        times: how often each piece is there, in each of R draws (R, U); once, in one draw, when left out.
    """
    counts = np.ones((1, len(found)), np.int64) if times is None else times
    scores = np.concatenate([m.scores for m in found])
    order = np.argsort(-scores, kind="mergesort")
    unit = np.repeat(np.arange(len(found)), [len(m.scores) for m in found])[order]
    hits, ignored = (
        np.concatenate(p, 1)[:, order] for p in ([m.hits for m in found], [m.ignored for m in found])
    )
    objects = counts @ [m.objects for m in found]
    return np.stack([_mean(counts[:, unit] * ~i, h, objects) for h, i in zip(hits, ignored, strict=True)], 1)


def _mean(weights: NDArray[np.int64], hits: NDArray[np.bool_], objects: NDArray[Any]) -> Array:
    """Mean precision (R,) of ranked boxes with weights (R, D), given how many objects there are (R,)."""
    right, all_of = np.cumsum(weights * hits, 1), np.cumsum(weights, 1)
    share = np.divide(right, all_of, out=np.zeros(right.shape), where=all_of > 0)
    share = np.maximum.accumulate(share[:, ::-1], 1)[:, ::-1]  # the best at this recall or a higher one
    result = np.full(len(weights), np.nan)
    for i in np.flatnonzero(objects > 0):
        at = np.searchsorted(right[i] / objects[i], RECALLS)
        result[i] = np.append(share[i], 0)[at].mean()
    return result
