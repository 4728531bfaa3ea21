import pytest
import torch

from landloom.data import holes
from landloom.raster.labels import IGNORE

LABELS = torch.zeros(60, 32, 32, dtype=torch.uint8)
LABELS[:, :4], LABELS[:, 4:8], LABELS[:, 8, 0] = 1, 2, IGNORE


@pytest.mark.parametrize("kind", ["boxes", "blobs"])
def test_holes_have_the_sizes_that_were_asked_for_and_differ(kind: holes.Kind) -> None:
    torch.manual_seed(0)
    found = holes.drawn(LABELS, [kind], 0.2, 0.5)
    shares = found.float().mean((1, 2))
    assert 0.17 < shares.min() < 0.25
    assert 0.45 < shares.max() < 0.53
    assert len({tuple(f.flatten().tolist()) for f in found}) == 60


def test_a_box_is_a_rectangle() -> None:
    found = holes.box(32, 32, 0.3)
    rows, columns = found.any(1), found.any(0)
    assert torch.equal(found, rows[:, None] & columns)
    assert not holes.box(4, 4, 0.9).all()


def test_a_class_hole_is_all_of_one_class() -> None:
    torch.manual_seed(0)
    found = holes.drawn(LABELS, ["classes"], 0.2, 0.5)
    seen = {tuple(m[f].unique().tolist()) for m, f in zip(LABELS, found, strict=True)}
    assert seen == {(0,), (1,), (2,)}
    assert all(f.sum() == (m == m[f][0]).sum() for m, f in zip(LABELS, found, strict=True))


def test_a_tile_of_one_class_is_not_hidden_whole() -> None:
    plain = torch.zeros(20, 32, 32, dtype=torch.uint8)
    plain[:, 0] = IGNORE
    shares = holes.drawn(plain, ["classes"], 0.2, 0.5).float().mean((1, 2))
    assert (shares > 0.15).all()
    assert (shares < 0.55).all()
