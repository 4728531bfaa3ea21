import math
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DModel
from torch import nn

from landloom.conditions import registry
from landloom.conditions.group import Conditions
from landloom.conditions.metadata import (
    FIELDS,
    LONGEST,
    NUMBERS,
    RADIUS,
    Metadata,
    lengths,
    numbers,
    place,
    waves,
)
from landloom.config.encode import EncodeConfig
from landloom.config.training import Training
from landloom.data import samples
from landloom.data.samples import Meta, Sample
from landloom.diffusion.denoiser import added
from landloom.diffusion.objective import DenoisingObjective
from landloom.diffusion.sampling import guidance, sample
from landloom.errors import InputError
from landloom.training.loop import train
from tests import bases

KNOWN = Meta(lon=127.0, lat=37.0, gsd=10.0, cloud=0.0, acquired=date(2024, 9, 1))


def flags(meta: Meta) -> list[float]:
    """Which fields are known: place, gsd, cloud, date."""
    return numbers(meta, "x")[NUMBERS:]


def test_each_field_may_be_unknown_and_zero_is_known() -> None:
    assert flags(Meta()) == [0, 0, 0, 0]
    assert flags(KNOWN) == [1, 1, 1, 1]
    assert flags(Meta(lon=0.0, lat=0.0, cloud=0.0)) == [1, 0, 1, 0]
    assert flags(Meta(lon=5.0)) == [0, 0, 0, 0]  # no place without a latitude


def test_circles_close() -> None:
    assert numbers(Meta(lon=180.0, lat=12.0), "") == numbers(Meta(lon=-180.0, lat=12.0), "")
    pole = [numbers(Meta(lon=lon, lat=90.0), "")[:3] for lon in (0.0, 90.0)]
    assert all(p == pytest.approx([0, 0, 1], abs=1e-9) for p in pole)
    new_year = [numbers(Meta(acquired=d), "")[5:9] for d in (date(2023, 12, 31), date(2024, 1, 1))]
    assert new_year[0] == pytest.approx(new_year[1], abs=0.05)


def test_waves_double_from_the_finest_to_half_of_the_earths_girth() -> None:
    assert lengths(100) == [100 * 2**i for i in range(8)]
    assert lengths(10000) == [10000, 20000]
    assert lengths(LONGEST) == []


def test_waves_by_hand_and_without_a_seam() -> None:
    point = torch.tensor([place(0, 90, ""), place(180, 0, ""), place(-180, 0, "")])
    found = waves(point, [4 * RADIUS])  # a quarter of a turn for each radius
    half = math.pi / 2
    assert found[0].tolist() == pytest.approx([0, 0, 1, 0, 0, math.sin(half), 1, 1, math.cos(half)], abs=1e-6)
    assert torch.equal(found[1], found[2])


def test_near_places_are_told_apart_by_short_waves_alone() -> None:
    """Two places about a kilometre apart."""
    spots = torch.tensor([place(10, 50, ""), place(10.014, 50, "")])

    def apart(finest: float) -> float:
        one, other = waves(spots, lengths(finest))
        return float((one - other).abs().max())

    assert apart(2) > 0.5
    assert apart(1000) < 0.02


@pytest.mark.parametrize(
    ("meta", "wrong"),
    [
        (Meta(gsd=0.0), r"gsd 0 is not within .* Give metres"),
        (Meta(cloud=40.0), r"cloud 40 is not within 0 to 1\. Give a share, not per cent"),
        (Meta(lon=37.0, lat=127.0), "lat 127 is not within -90 to 90"),
        (Meta(lon=float("nan"), lat=1.0), "lon nan is not within"),
    ],
)
def test_what_cannot_be_is_an_input_error(meta: Meta, wrong: str) -> None:
    with pytest.raises(InputError, match=rf"^t1: .*{wrong}"):
        Metadata(8, 0.1).load([SimpleNamespace(id="t1", meta=meta)])


def test_fields_are_hidden_one_by_one() -> None:
    torch.manual_seed(0)
    raw = torch.tensor([numbers(KNOWN, "")] * 4000)
    shown = Metadata(8, 0.1, hidden=0.2).practise(raw)
    known = shown[:, NUMBERS:]
    assert known.mean(0).tolist() == pytest.approx([0.9 * 0.8] * len(FIELDS), abs=0.03)
    assert not shown[known[:, 0] == 0, :3].any()
    assert torch.equal(shown[known.all(1)], raw[known.all(1)])


def test_an_untrained_one_changes_nothing_and_stays_out_of_what_is_saved(tmp_path: Path) -> None:
    """A stock pipeline loads the base; the door is shut when the call is over."""
    model = bases.bundle()
    names = set(model.unet.state_dict())
    made = bases.denoiser(model, Metadata(model.unet.time_embedding.linear_2.out_features, 0.1))
    given = {
        "text": torch.randn(2, 7, 32),
        "metadata": torch.tensor([numbers(KNOWN, ""), numbers(Meta(), "")]),
    }
    x, t = torch.randn(2, 4, 16, 16), torch.tensor([5, 500])
    assert torch.equal(made(x, t, given), model.unet(x, t, given["text"]).sample)
    assert set(model.unet.state_dict()) == names
    assert not model.unet.time_embedding._forward_hooks
    model.save(tmp_path / "base")
    pipe = StableDiffusionPipeline.from_pretrained(tmp_path / "base", local_files_only=True)
    assert torch.equal(pipe.unet(x, t, given["text"]).sample, model.unet(x, t, given["text"]).sample)


def test_a_network_of_masks_has_the_door_too() -> None:
    unet = UNet2DModel(
        sample_size=8, in_channels=3, out_channels=3, block_out_channels=(32,), norm_num_groups=16,
        layers_per_block=1, down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",),
        class_embed_type="identity",
    )  # fmt: skip
    x, labels = torch.randn(2, 3, 8, 8), torch.randn(2, 128)
    with torch.no_grad():
        plain = unet(x, 3, class_labels=labels).sample
        with added([unet.time_embedding], [torch.ones(2, 128)]):
            told = unet(x, 3, class_labels=labels).sample
        assert not torch.allclose(plain, told, atol=1e-4)
        assert torch.equal(plain, unet(x, 3, class_labels=labels).sample)


def test_what_is_drawn_follows_what_is_told(tmp_path: Path) -> None:
    """Fine images are bright and coarse ones dark; unknown lies between."""
    model = bases.bundle()
    model.unet.requires_grad_(True)
    fine = torch.arange(64) % 2 == 0
    latents = (2 * fine.float() - 1)[:, None, None, None, None].expand(64, 1, 4, 8, 8).contiguous()
    rows = torch.tensor([numbers(Meta(gsd=0.5 if f else 8.0), "") for f in fine])
    own = Metadata(model.unet.time_embedding.linear_2.out_features, 0.1, hidden=0.1)
    made = bases.denoiser(model, own, dropout=0.0)
    columns = {"caption": torch.zeros(64, dtype=torch.long), "metadata": rows}
    objective = DenoisingObjective(made, model.scheduler, latents, columns, 5.0)
    config = Training(steps=120, batch=16, lr=5e-3, warmup=10)
    train(objective, config, bases.LOGGED, 0, tmp_path, "test")

    def drawn(meta: Meta) -> float:
        told = made.conditions.load([SimpleNamespace(meta=meta, caption="")] * 16)
        guides = guidance(made.conditions, "metadata", 1.5, "guidance")
        return float(sample(made, model.scheduler, told, list(range(16)), 6, 8, guides).mean())

    bright, unknown, dark = drawn(Meta(gsd=0.5)), drawn(Meta()), drawn(Meta(gsd=8.0))
    assert bright > 0.5 > -0.5 > dark
    assert dark < unknown < bright


def test_numbers_by_hand() -> None:
    found = numbers(Meta(lon=90.0, lat=30.0, gsd=8.0, cloud=0.25, acquired=date(2010, 1, 1)), "")
    cos30 = math.sqrt(3) / 2
    place, gsd, cloud, season = [0, cos30, 0.5], [3.0], [0.25], [0, 1, 0, 1, 0.5]
    assert found == pytest.approx([*place, *gsd, *cloud, *season, 1, 1, 1, 1], abs=1e-9)
    # The 183rd day of a year is half a turn later, within a day.
    half = numbers(Meta(acquired=date(2010, 7, 2)), "")[5:9]
    assert half == pytest.approx([0, -1, 0, 1], abs=0.03)


def test_encode_keeps_it_of_train_tiles(tmp_path: Path) -> None:
    rows = [
        Sample(id="a", meta=KNOWN), Sample(id="b", split="val", meta=KNOWN), Sample(id="c"),
        Sample(id="d", meta=Meta(gsd=2.0)),
    ]  # fmt: skip
    samples.write(tmp_path / "tiles.parquet", rows)
    kept = Metadata.recorded(EncodeConfig(), bases.dataset(), [tmp_path / "tiles.parquet"])
    own = Metadata(8, 0.1)
    assert torch.equal(own.cached({"metadata": kept}), own.load([rows[0], rows[2], rows[3]]))
    assert own.untold(kept).tolist() == [False, True, False]


def test_it_comes_back_from_its_folder(tmp_path: Path) -> None:
    own = Metadata(8, 0.1, finest=50.0)
    for weights in own.module.parameters() if own.module else ():
        nn.init.normal_(weights)
    registry.save(Conditions([own]), tmp_path)
    again = registry.load(tmp_path).members["metadata"]
    raw = torch.tensor([numbers(KNOWN, ""), numbers(Meta(), "")])
    assert own.module is not None
    assert again.module is not None
    assert torch.equal(again.module(raw), own.module(raw))
    assert not any(w.requires_grad for w in again.module.parameters())
