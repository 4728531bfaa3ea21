import json
from pathlib import Path

import numpy as np
import pytest
import torch

from landloom.config.curate import CurateConfig
from landloom.config.detect import Detector
from landloom.data.objects import Object
from landloom.data.quality import Quality
from landloom.data.samples import Sample
from landloom.detection import curation, networks, predict
from landloom.detection.boxes import Found, corners
from landloom.detection.curation import Seen, of, threshold, verdict
from landloom.detection.scores import THRESHOLDS, Matches
from tests import bright_boxes


def matches(asked: int, *rows: tuple[float, bool, bool]) -> Matches:
    """Boxes with their score, whether they are right, and whether they are left out, at all thresholds."""
    scores, hits, ignored = (np.array([r[i] for r in rows]) for i in range(3))
    shape = (len(THRESHOLDS), len(rows))
    return Matches(
        asked, scores, np.broadcast_to(hits, shape).astype(bool), np.broadcast_to(ignored, shape).astype(bool)
    )


def test_the_threshold_has_the_best_f1() -> None:
    """Of three objects: F1 is 2/4, 4/5, 4/6, 6/7 and 6/8 with one to five boxes."""
    rows = [
        (0.9, True, False),
        (0.8, True, False),
        (0.7, False, False),
        (0.6, True, False),
        (0.5, False, False),
    ]
    assert threshold({("s", "t"): [matches(3, *rows)]}) == 0.6
    # Without the third object the best is 4/4.
    assert threshold({("s", "t"): [matches(2, *rows[:3])]}) == 0.8
    assert threshold({("s", "t"): [matches(2, (0.9, False, False))]}) == 1
    assert threshold({}) == 1


def test_shares_of_what_is_found_and_of_what_nobody_asked_for() -> None:
    one = matches(3, (0.9, True, False), (0.8, False, False), (0.7, True, True))
    other = matches(1, (0.6, True, False))
    assert of([one, other]) == Seen(2 / 4, pytest.approx(1 / 3))
    assert of([matches(0)]) == Seen(None, 0)
    assert of([matches(2)]) == Seen(0, 0)


@pytest.mark.parametrize(
    ("config", "seen", "reasons"),
    [
        ({}, Seen(0.0, 1.0), []),
        ({"min_found": 0.5}, Seen(0.4, 0.0), ["objects found"]),
        ({"min_found": 0.5}, Seen(None, 0.0), []),
        ({"max_unasked": 0.2}, Seen(1.0, 0.3), ["unasked objects"]),
        ({"min_found": 0.5, "max_unasked": 0.3}, Seen(0.5, 0.3), []),
    ],
)
def test_pairs_without_their_objects_are_rejected(
    config: dict[str, float], seen: Seen, reasons: list[str]
) -> None:
    found = verdict(CurateConfig.model_validate(config), seen, Quality(True))
    assert (found.accepted, found.reasons) == (not reasons, reasons)
    assert (found.scores.found, found.scores.unasked) == seen


def test_unsure_boxes_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = networks.build(Detector(width=8), 3, bright_boxes.NAMES, "rotated")
    networks.save(model, tmp_path / "model")
    (tmp_path / "scores.json").write_text(json.dumps({"threshold": 0.5}))
    row = bright_boxes.sample("a", np.random.default_rng(0))
    wanted = row.objects or []
    quads = np.concatenate(
        [[o.quad() for o in wanted], corners(np.array([[5.0, 5, 4, 4, 0, 1]])), [wanted[0].quad()]]
    )
    categories = np.array([*(o.category for o in wanted), 0, wanted[0].category])
    scores = np.array([*[0.9] * len(wanted), 0.8, 0.4])
    monkeypatch.setattr(predict, "peaks", lambda heads: Found(quads, categories, scores))
    rows = [
        row,
        Sample(id="b", image=row.image),
        Sample(id="c", image=row.image, objects=[Object(0, [0, 0, 1, 0, 1, 1, 0, 1])]),
    ]
    a, b, c = curation.judged(CurateConfig(min_found=0.9), bright_boxes.dataset(), tmp_path, rows)
    assert a.quality is not None
    assert (a.quality.scores.found, a.quality.scores.unasked) == (1, pytest.approx(1 / (len(wanted) + 1)))
    assert a.quality.accepted
    assert b.quality is None
    assert c.quality is not None
    assert c.quality.details == ["objects found 0.0000 < 0.9000"]
