from datetime import date
from pathlib import Path

from landloom.config.metadata import MetadataWish
from landloom.data import samples
from landloom.data.samples import Meta, Sample
from landloom.planning.metadata import Wishes


def test_a_wish_takes_the_place_of_what_is_known_of_a_real_tile() -> None:
    known, row = Meta(lon=5, lat=50, gsd=1), {"seed": 0}
    assert Wishes(MetadataWish(gsd=10)).drawn(row, known) == Meta(lon=5, lat=50, gsd=10)
    assert Wishes(MetadataWish()).drawn(row, known) is known
    assert Wishes(MetadataWish()).drawn(row) is None


def test_lists_are_drawn_from_by_the_seed_and_places_stay_together() -> None:
    days = [date(2024, 3, 1), date(2024, 9, 1)]
    wishes = Wishes(MetadataWish(lon=[1.0, 2.0, 3.0], lat=[10.0, 20.0, 30.0], acquired=days))
    drawn = [wishes.drawn({"seed": seed}) for seed in range(60)]
    assert drawn == [wishes.drawn({"seed": seed}) for seed in range(60)]
    assert {(m.lon, m.lat) for m in drawn if m} == {(1, 10), (2, 20), (3, 30)}
    assert len({(m.lon, m.acquired) for m in drawn if m}) == 6


def test_the_rest_is_that_of_the_train_tile_with_the_nearest_mix(tmp_path: Path) -> None:
    """A season goes with its mix; tiles that are held out give nothing away."""
    rows = [
        Sample(id="snow", ratios=[0.9, 0.1], meta=Meta(cloud=0.0, acquired=date(2024, 1, 1))),
        Sample(id="crop", ratios=[0.1, 0.9], meta=Meta(cloud=0.5, acquired=date(2024, 7, 1))),
        Sample(id="held", ratios=[0.2, 0.8], split="test", meta=Meta(acquired=date(1999, 1, 1))),
    ]
    samples.write(tmp_path / "t.parquet", rows)
    wishes = Wishes.of(MetadataWish(others="nearest", cloud=0.2), [tmp_path / "t.parquet"])
    for target, day in (([0.7, 0.3], date(2024, 1, 1)), ([0.2, 0.8], date(2024, 7, 1))):
        drawn = wishes.drawn({"seed": 3, "target_ratios": target})
        assert drawn == Meta(cloud=0.2, acquired=day)
