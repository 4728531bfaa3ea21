from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from landloom.conditions import registry
from landloom.conditions.base import Host
from landloom.conditions.dates import Dates, Days, shown, since, thin
from landloom.conditions.group import Conditions
from landloom.config import load
from landloom.config.dates import KeptDatesConfig
from landloom.config.encode import EncodeConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.data import dates, samples
from landloom.data.samples import Meta, Sample
from landloom.data.statistics import Statistics
from landloom.errors import InputError
from landloom.raster.series import Frame
from tests import bases

VALUES = np.array([[[0, 50], [100, 200]], [[10, 20], [30, 40]]], np.uint8)
VALID = np.array([[True, True], [True, False]])
JULY = date(2015, 7, 1)


def made(dropout: float = 0.1, most: int = 2) -> Dates:
    torch.manual_seed(0)
    return Dates([0, 0], [100, 40], 2, most, dropout, 4)


def seen(*days: date, target: date | None = JULY) -> Sample:
    frames = [Frame(np.roll(VALUES, i, 0), VALID, day) for i, day in enumerate(days)]
    return Sample("t7", meta=Meta(acquired=target), layers=[dates.layer(f) for f in frames])


def test_time_is_a_logarithm_with_a_sign() -> None:
    """log(1 + 365) / log(1 + 36525) is 0.5619, and 0.5619 * 127 is 71.4."""
    assert [since(d) for d in (0, 365, -365, 10**6, -(10**6))] == [127, 198, 56, 254, 0]
    steps = [since(d) for d in range(-9000, 9000, 30)]
    assert steps == sorted(steps)


def test_bands_are_scaled_and_what_is_not_known_is_zero_in_all_channels() -> None:
    told, known = shown(made().load([seen(date(2016, 6, 30))]))
    one = [[[-1, 0], [1, 0]], [[-0.5, 0], [0.5, 0]], VALID, VALID * ((198 - 127) / 127), VALID]
    assert np.allclose(told[0, 0], np.array(one), atol=1 / 254)
    assert not told[0, 1].any()
    assert known[0, :, 0].tolist() == [VALID.tolist(), [[False] * 2] * 2]


def test_an_unknown_day_hides_the_time_and_not_the_pixels() -> None:
    told, known = shown(made().load([seen(JULY, target=None)]))
    assert not told[0, 0, -2:].any()
    assert known[0, 0, 0].tolist() == VALID.tolist()


def test_the_day_that_is_asked_for_decides_what_lies_before_and_after() -> None:
    raw = made().load([seen(JULY, target=date(y, 7, 1)) for y in (2014, 2015, 2016)])
    assert raw[:, 0, -1, 0, 0].tolist() == [since(365), 127, since(-366)]


def test_the_order_of_days_makes_no_difference() -> None:
    days = [date(2009, 1, 1), date(2012, 1, 1), date(2017, 1, 1)]
    own = made(most=3)
    sample = seen(*days)
    again = Sample("t", meta=sample.meta, layers=sample.layers[::-1])
    assert torch.equal(own.load([sample]), own.load([again]))
    raw = own.load([sample])
    assert own.module is not None
    with torch.no_grad():
        assert torch.allclose(own.module(raw), own.module(raw[:, [2, 0, 1]]), atol=1e-6)


def test_the_number_of_days_makes_no_difference_in_size() -> None:
    """The same day told once, twice or three times is the same."""
    own = made(most=3)
    raw = own.load([seen(date(2012, 1, 1))])
    twice, thrice = raw[:, [0, 0, 1]], raw[:, [0, 0, 0]]
    assert own.module is not None
    with torch.no_grad():
        first = own.module(raw)
        assert torch.allclose(first, own.module(twice), atol=1e-6)
        assert torch.allclose(first, own.module(thrice), atol=1e-6)
        assert first[0, -1].tolist() == VALID.tolist()
        assert not first[0, :, 1, 1].any()


def test_a_day_that_knows_nothing_of_a_pixel_has_no_part_in_it() -> None:
    """Beside the clouded pixel, which convolutions see, the other day alone is looked at."""
    torch.manual_seed(0)
    net = Days(1, 4)
    raw = torch.randint(0, 255, (1, 2, 2, 9, 9), dtype=torch.uint8)
    raw[:, 1] = 255
    with torch.no_grad():
        alone = net(raw[:, :1])
        assert torch.allclose(net(raw), alone)
        raw[:, 1, :, :3] = 7  # known far from the corner that is compared
        assert torch.allclose(net(raw)[..., 6:, :], alone[..., 6:, :])
        assert not torch.allclose(net(raw)[..., :2, :], alone[..., :2, :])


def test_large_scores_overflow_nothing() -> None:
    torch.manual_seed(0)
    net = Days(1, 4)
    torch.nn.init.constant_(net.score.bias, 1e4)
    raw = torch.randint(0, 255, (1, 3, 2, 4, 4), dtype=torch.uint8)
    raw[:, :, :, 0] = 255
    found = net(raw)
    found.sum().backward()
    assert found.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_more_days_than_it_learned_are_those_nearest() -> None:
    days = [date(y, 7, 1) for y in (2009, 2014, 2017)]
    raw = made().load([seen(*days)])
    assert raw[0, :, -1, 0, 0].tolist() == [since(-365), since(731)]


def test_training_shows_each_number_of_days_as_often() -> None:
    torch.manual_seed(0)
    raw = torch.zeros(3000, 4, 2, 1, 1, dtype=torch.uint8)
    raw[:, 3] = 255  # three days are there
    there = (thin(raw) != 255).flatten(2).any(2)
    counts = torch.bincount(there.sum(1), minlength=5)
    assert counts[[0, 4]].tolist() == [0, 0]
    assert (counts[1:4] / 3000 - 1 / 3).abs().max() < 0.03
    assert (there.float().mean(0)[:3] - 2 / 3).abs().max() < 0.03
    assert not there[:, 3].any()


def test_no_other_day_is_an_error_if_training_always_showed_one() -> None:
    with pytest.raises(InputError, match=r"^t7: has no layer 'dates', which .*always was told"):
        made(dropout=0).load([Sample("t7")])
    assert made().untold(made().load([Sample("t7")])).all()


def test_tiles_without_other_days_cannot_be_told_any() -> None:
    with pytest.raises(InputError, match=r"the tiles have no other days.*tile\.dates"):
        registry.recorded(EncodeConfig(dates=KeptDatesConfig()), bases.dataset(), [])


def test_the_card_says_how_many_days_only_if_there_are_any(tmp_path: Path) -> None:
    card = bases.dataset()
    card.save(tmp_path / "a.json")
    assert "dates" not in (tmp_path / "a.json").read_text()
    card.model_copy(update={"dates": 3}).save(tmp_path / "a.json")
    assert Statistics.load(tmp_path / "a.json").dates == 3


def test_from_the_tiles_to_the_sampler(tmp_path: Path) -> None:
    card = bases.dataset().model_copy(update={"dates": 2})
    rows = list(samples.read(bases.tiles(tmp_path), split="train"))[:3]
    for i, row in enumerate(rows):
        image = row.image_array()
        days = [date(2015 + k, 1, 1) for k in range(i + 1)]
        row.layers = [dates.layer(Frame(image, np.ones(image.shape[1:], bool), d)) for d in days]
        row.meta = Meta(acquired=date(2016, 7, 1))
    samples.write(tmp_path / "t.parquet", rows)
    kept = registry.recorded(EncodeConfig(dates=KeptDatesConfig()), card, [tmp_path / "t.parquet"])
    assert kept["dates"].shape == (3, 2, card.bands + 1, card.size, card.size)
    section = ImageTrainConfig.model_validate({"dates": {"dropout": 0.2, "stem": 4}})
    own = registry.told(section, Host(card, "caption", torch.zeros(1, 7, 32), 64)).members["dates"]
    registry.save(Conditions([own]), tmp_path)
    again = registry.load(tmp_path).members["dates"]
    assert torch.equal(kept["dates"], again.load(rows))
    assert again.dropout == 0.2
    assert own.module is not None
    assert again.module is not None
    with torch.no_grad():
        assert torch.equal(own.module(kept["dates"]), again.module(kept["dates"]))


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"encode": {"dates": {}}}, r"encode\.dates: is on, but tile\.dates is off.*set tile\.dates"),
        ({"image_train": {"dates": {}}}, r"image_train\.dates: on for 'landloom', but encode\.dates is off"),
    ],
)
def test_sections_that_do_not_fit_together(sections: dict[str, Any], message: str) -> None:
    classes = [{"name": n, "values": [i], "color": f"#00000{i}"} for i, n in enumerate("ab")]
    data = {"images": "i/{s}.tif", "masks": "m/{s}.tif", "classes": classes}
    with pytest.raises(InputError, match=message):
        load({"dataset": "d", "data": data, **sections})
