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
    """What was found of one class in one scene.

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


def matched(scenes: Mapping[str, SceneBoxes], classes: int, kind: Kind) -> dict[str, list[Matches]]:
    """Matches of each class, by scene."""
    truth, found = [], []
    for image, boxes in enumerate(scenes.values(), 1):
        corners, categories, difficult = boxes.truth(kind)
        truth += _rows(image, corners, categories, {"iscrowd": difficult.astype(int).tolist()})
        best = boxes.merged()
        seen = {"score": best.scores.tolist()}
        found += _rows(image, outline(best.corners, kind), best.categories, seen)
    images = [{"id": i} for i in range(1, len(scenes) + 1)]
    evaluation = Evaluation(*(_coco(images, classes, rows) for rows in (truth, found)))
    with contextlib.redirect_stdout(None):
        evaluation.evaluate()
    # Classes come first there, then the one range of areas, then images.
    rows = [evaluation.evalImgs[i :: len(images)] for i in range(len(images))]
    return {name: [_matches(row) for row in own] for name, own in zip(scenes, rows, strict=True)}


def _rows(
    image: int, corners: Array, categories: NDArray[np.int64], more: Mapping[str, Sequence[Any]]
) -> list[dict[str, Any]]:
    x, y = corners[..., 0], corners[..., 1]
    area = np.abs((x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(1)) / 2
    return [
        {"image_id": image, "category_id": int(c), "corners": quad, "area": float(size), "iscrowd": 0}
        | {k: v[i] for k, v in more.items()}
        for i, (quad, c, size) in enumerate(zip(corners, categories, area, strict=True))
    ]


def _coco(images: list[dict[str, Any]], classes: int, rows: list[dict[str, Any]]) -> COCO:
    made = COCO()
    numbered = [row | {"id": i} for i, row in enumerate(rows, 1)]  # an id of 0 would count as no match
    made.dataset = {
        "images": images, "categories": [{"id": i} for i in range(classes)], "annotations": numbered,
    }  # fmt: skip
    with contextlib.redirect_stdout(None):
        made.createIndex()
    return made


def _matches(row: dict[str, Any] | None) -> Matches:
    if row is None:
        none = np.zeros((len(THRESHOLDS), 0), np.bool_)
        return Matches(0, np.zeros(0), none, none)
    hits = row["dtMatches"] > 0
    return Matches(
        int((~row["gtIgnore"].astype(bool)).sum()), np.array(row["dtScores"]), hits, row["dtIgnore"] > 0
    )


def precision(found: Sequence[Matches], times: NDArray[np.int64] | None = None) -> Array:
    """Average precision (R, T) of one class at each threshold, NaN without objects: mean over 101 recalls.

    Args:
        found: matches in each unit of ground (U).
        times: how often each unit is there, in each of R draws (R, U); once, in one draw, when left out.
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


def _mean(weights: NDArray[np.int64], hits: NDArray[np.bool_], objects: NDArray[np.int64]) -> Array:
    """Mean precision (R,) of ranked boxes with weights (R, D), given how many objects there are (R,)."""
    right, all_of = np.cumsum(weights * hits, 1), np.cumsum(weights, 1)
    share = np.divide(right, all_of, out=np.zeros(right.shape), where=all_of > 0)
    share = np.maximum.accumulate(share[:, ::-1], 1)[:, ::-1]  # the best at this recall or a higher one
    result = np.full(len(weights), np.nan)
    for i in np.flatnonzero(objects > 0):
        at = np.searchsorted(right[i] / objects[i], RECALLS)
        result[i] = np.append(share[i], 0)[at].mean()
    return result
