"""What every condition promises. A new one needs an entry in EXAMPLES, and nothing else here."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landloom.conditions import registry
from landloom.conditions.base import Condition
from landloom.conditions.boxes import Boxes
from landloom.conditions.dates import Dates
from landloom.conditions.edge_maps import Finder
from landloom.conditions.edges import Edges
from landloom.conditions.embedding import Embedding
from landloom.conditions.grid_features import GridFeatures, digest
from landloom.conditions.group import Conditions
from landloom.conditions.known_pixels import KnownPixels, steps
from landloom.conditions.low_resolution import LowResolution, blocks
from landloom.conditions.map import Map
from landloom.conditions.mask import Mask
from landloom.conditions.metadata import Metadata, numbers
from landloom.conditions.ratios import Ratios, VectorTokens
from landloom.conditions.registry import CONDITIONS
from landloom.conditions.text import Text
from landloom.config.image_train import ImageTrainConfig
from landloom.data import dates, kept_pixels, map_layer
from landloom.data.objects import Object
from landloom.data.samples import Meta, Sample
from landloom.data.symmetry import turn, turn_points
from landloom.diffusion import controlnet
from landloom.diffusion.denoiser import Denoiser
from landloom.diffusion.sampling import Guided, guidance, sample
from landloom.errors import InputError
from landloom.raster.series import Frame
from tests import bases, transformer

RATE, SIDE = 0.3, bases.SIDE
WORDS = ["", "a river", "a road", "a field"]


@dataclass
class Example:
    """How to try a condition.

    Attributes:
        make: builds it, with a dropout.
        columns: of the latent cache, for four samples.
        samples: the same four.
        turned: a sample, turned by a variant; None if turning changes nothing of what it reads.
    """

    make: Callable[[float], Condition]
    columns: dict[str, Tensor]
    samples: list[Any]
    turned: Callable[[Any, int], Any] | None = field(default=None)


MODEL = bases.bundle()
SHARES = torch.tensor([[0.5, 0.2, 0.3], [1, 0, 0], [0, 1, 0], [0.1, 0.1, 0.8]])
MASKS = torch.randint(0, 3, (4, SIDE, SIDE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


META = [
    Meta(lon=127.0, lat=37.0, gsd=10.0, cloud=0.0, acquired=date(2024, 9, 1)),
    Meta(lon=-71.0, lat=42.0, gsd=1.0), Meta(cloud=0.4), Meta(acquired=date(2020, 12, 24)),
]  # fmt: skip
IMAGES = np.random.default_rng(0).integers(0, 4000, (4, 2, SIDE, SIDE)).astype(np.float32)


def masked(mask: np.ndarray[Any, Any]) -> Any:
    return SimpleNamespace(mask_array=lambda: mask)


def pictured(image: np.ndarray[Any, Any]) -> Any:
    return SimpleNamespace(image=b"encoded", image_array=lambda: image)


EXAMPLES = {
    "text": Example(
        lambda rate: Text(MODEL.embed(WORDS), "caption", rate, embed=MODEL.embed),
        {"caption": torch.tensor([1, 2, 3, 1])},
        [SimpleNamespace(caption=WORDS[i]) for i in (1, 2, 3, 1)],
    ),
    "ratios": Example(
        lambda rate: Ratios(VectorTokens(3, 2, 32), 3, rate),
        {"ratios": SHARES},
        [SimpleNamespace(target=s.numpy()) for s in SHARES],
    ),
    "mask": Example(
        lambda rate: Mask(3, rate),
        {"mask": MASKS},
        [masked(m.numpy()) for m in MASKS],
        lambda s, v: masked(turn(torch.from_numpy(s.mask_array()), v).numpy()),
    ),
}
EXAMPLES["metadata"] = Example(
    lambda rate: Metadata(MODEL.unet.time_embedding.linear_2.out_features, rate),
    {"metadata": torch.tensor([numbers(m, "") for m in META])},
    [SimpleNamespace(meta=m) for m in META],
)
EXAMPLES["low_resolution"] = Example(
    lambda rate: LowResolution(8, [0, 0], [4000, 4000], SIDE // 8, rate),
    {"low_resolution": torch.tensor(np.stack([blocks(i, 8, [0, 0], [4000, 4000]) for i in IMAGES]))},
    [pictured(i) for i in IMAGES],
    lambda s, v: pictured(turn(torch.from_numpy(s.image_array()), v).numpy()),
)
FINDER = Finder("gradient", 1.0, None, [0, 0], [4000, 4000], [0])
EXAMPLES["edges"] = Example(
    lambda rate: Edges(FINDER, SIDE, rate),
    {"edges": torch.tensor(np.stack([FINDER(i) for i in IMAGES]))},
    [pictured(i) for i in IMAGES],
    lambda s, v: pictured(turn(torch.from_numpy(s.image_array()), v).numpy()),
)
KNOWN = np.random.default_rng(1).random((4, SIDE, SIDE)) < 0.5


def partly(image: np.ndarray[Any, Any], known: np.ndarray[Any, Any]) -> Sample:
    return Sample("tile", layers=kept_pixels.layers(image, known))


def turned_part(one: Sample, variant: int) -> Sample:
    kept = kept_pixels.of(one)
    assert kept is not None
    return partly(*(turn(torch.from_numpy(part), variant).numpy() for part in kept))


EXAMPLES["known_pixels"] = Example(
    lambda rate: KnownPixels([0, 0], [4000, 4000], SIDE, rate),
    {
        "known_pixels": torch.tensor(
            np.stack([steps(i, k, [0, 0], [4000, 4000]) for i, k in zip(IMAGES, KNOWN, strict=True)])
        )
    },
    [partly(i, k) for i, k in zip(IMAGES, KNOWN, strict=True)],
    turned_part,
)
DRAWN = np.random.default_rng(2).integers(0, 255, (4, 3, SIDE, SIDE)).astype(np.uint8)


def mapped(drawn: np.ndarray[Any, Any]) -> Sample:
    return Sample("tile", layers=map_layer.layers(drawn))


EXAMPLES["map"] = Example(
    lambda rate: Map(["road", "house", "water"], SIDE, rate),
    {"map": torch.tensor(DRAWN)},
    [mapped(d) for d in DRAWN],
    lambda s, v: mapped(turn(torch.from_numpy(map_layer.of(s)), v).numpy()),
)
SHIP, CAR = [3.0, 4.0, 13.0, 8.0, 11.0, 13.0, 1.0, 9.0], [9.0, 2.5, 14.5, 2.5, 14.5, 5.0, 9.0, 5.0]
LISTS = [[Object(0, SHIP)], [Object(1, CAR)], [], [Object(1, SHIP), Object(0, CAR)]]


def with_boxes(rate: float) -> Boxes:
    return Boxes(["ship", "car"], SIDE, rate)


def turned_objects(one: Sample, variant: int) -> Sample:
    quads = [turn_points(torch.from_numpy(o.quad()), variant, SIDE) for o in one.objects or []]
    found = zip(one.objects or [], quads, strict=True)
    return Sample("tile", objects=[Object(o.category, q.flatten().tolist()) for o, q in found])


EXAMPLES["boxes"] = Example(
    with_boxes,
    {"boxes": with_boxes(RATE).load([Sample("tile", objects=found) for found in LISTS])},
    [Sample("tile", objects=found) for found in LISTS],
    turned_objects,
)
DAYS = [[date(2015, 9, 26), date(2020, 7, 1)], [date(2012, 7, 31)], [date(2009, 8, 18)], [date(2020, 1, 1)]]


def series(meta: Meta, days: list[date], turns: int = 0) -> Sample:
    """Image and known pixels of the first tiles at some days, turned."""
    parts = [
        (turn(torch.from_numpy(a[i].copy()), turns).numpy() for a in (IMAGES, KNOWN))
        for i, _ in enumerate(days)
    ]
    return Sample(
        "t", meta=meta, layers=[dates.layer(Frame(*p, d)) for p, d in zip(parts, days, strict=True)]
    )


def dated(rate: float) -> Dates:
    return Dates([0, 0], [4000, 4000], SIDE, 3, rate, 8)


EXAMPLES["dates"] = Example(
    dated,
    {"dates": torch.stack([dated(RATE).taken(series(m, d)) for m, d in zip(META, DAYS, strict=True)])},
    [series(m, d) for m, d in zip(META, DAYS, strict=True)],
    lambda s, v: series(s.meta, [la.acquired for la in s.layers], v),
)
# A network that turns with its pictures, which is all that ``turn`` can promise.
TURNING = transformer.save(Path(tempfile.mkdtemp()), SIDE)
BLOCKS = [np.kron(i[:, :4, :4], np.ones((8, 8), np.float32)) for i in IMAGES]


def embedded(rate: float) -> Embedding:
    own = GridFeatures(str(TURNING), 4, transformer.WIDTH, [0, 0], [4000, 4000], [0])
    return Embedding(own, 32, SIDE, rate, digest(str(TURNING)))


EXAMPLES["embedding"] = Example(
    embedded,
    {"embedding": embedded(RATE).load([pictured(i) for i in BLOCKS])[:, None]},
    [pictured(i) for i in BLOCKS],
    lambda s, v: pictured(turn(torch.from_numpy(s.image_array()), v).numpy()),
)
every = pytest.mark.parametrize("name", CONDITIONS)


def denoiser(condition: Condition) -> Denoiser:
    """A denoiser that is told words and this condition, which has an effect at once."""
    torch.manual_seed(0)
    model = bases.bundle()
    words = [] if condition.name == "text" else [EXAMPLES["text"].make(RATE)]
    made = None
    if condition.door == "hint":
        made = controlnet.build(ImageTrainConfig(init="small"), model, len(condition.channels))
    for weights in condition.module.parameters() if condition.module else ():
        nn.init.normal_(weights, std=0.3)
    return Denoiser(model, Conditions([*words, condition]), made).eval()


def given(made: Denoiser, rows: list[int]) -> dict[str, Tensor]:
    """What these rows of the examples are told."""
    return {c.name: c.load([EXAMPLES[c.name].samples[i] for i in rows]) for c in made.conditions}


def test_every_condition_has_an_example() -> None:
    assert set(EXAMPLES) == set(CONDITIONS)


@every
def test_the_cache_and_samples_say_the_same(name: str) -> None:
    own = EXAMPLES[name].make(RATE)
    assert torch.allclose(
        own.cached(EXAMPLES[name].columns).float(), own.load(EXAMPLES[name].samples).float(), atol=1e-5
    )


@every
def test_the_null_of_a_sampler_is_that_of_training(name: str, tmp_path: Path) -> None:
    """By tensor, through the model folder, and in what the denoiser is given."""
    example = EXAMPLES[name]
    trained = example.make(0.999)
    registry.save(Conditions([trained]), tmp_path)
    torch.manual_seed(0)
    shown = trained.practise(trained.cached(example.columns))
    loaded = registry.load(tmp_path, MODEL.embed)
    told = loaded.load(example.samples)
    assert not torch.equal(told[name], shown)
    assert torch.equal(loaded.without(told, {name})[name], shown)


@every
def test_it_is_dropped_at_its_rate(name: str) -> None:
    torch.manual_seed(0)
    own, rows = (
        EXAMPLES[name].make(RATE),
        {k: v.repeat(250, *[1] * (v.ndim - 1)) for k, v in EXAMPLES[name].columns.items()},
    )
    raw = own.cached(rows)
    shown = own.practise(raw)
    assert own.untold(shown).float().mean().item() == pytest.approx(RATE, abs=0.05)
    kept = ~own.untold(shown)
    assert torch.equal(shown[kept], raw[kept])
    own.dropout = 0.0
    assert not own.untold(own.practise(raw)).any()


@every
def test_dropping_one_leaves_the_others_alone(name: str) -> None:
    torch.manual_seed(0)
    rows = {k: v for e in EXAMPLES.values() for k, v in e.columns.items()}
    members = Conditions([e.make(0.999 if n == name else 0.0) for n, e in EXAMPLES.items()])
    shown = members.practised(rows, torch.zeros(4, dtype=torch.long))
    for c in members:
        assert c.untold(shown[c.name]).all() == (c.name in members.joined(name))


@every
def test_it_comes_back_from_its_folder(name: str, tmp_path: Path) -> None:
    own = EXAMPLES[name].make(RATE)
    made = denoiser(own)
    registry.save(made.conditions, tmp_path)
    loaded = registry.load(tmp_path, MODEL.embed)
    again = Denoiser(made.model, loaded, made.controlnet)
    told, x = given(made, [0, 1]), torch.randn(2, 4, 16, 16)
    assert [(c.name, c.settings()) for c in loaded] == [(c.name, c.settings()) for c in made.conditions]
    with torch.no_grad():
        assert torch.equal(made(x, torch.tensor(500), told), again(x, torch.tensor(500), told))


@every
def test_batching_changes_nothing(name: str) -> None:
    made, seeds = denoiser(EXAMPLES[name].make(RATE)), [5, 6, 7]
    guides = guidance(made.conditions, name, 2.0, "guidance")
    how = (2, 16, guides)
    together = sample(made, MODEL.scheduler, given(made, [0, 1, 2]), seeds, *how)
    for i, seed in enumerate(seeds):
        alone = sample(made, MODEL.scheduler, given(made, [i]), [seed], *how)
        assert torch.allclose(together[i : i + 1], alone, atol=1e-4)


@every
def test_turning_a_sample_turns_its_condition(name: str) -> None:
    example, own = EXAMPLES[name], EXAMPLES[name].make(RATE)
    turned = example.turned or (lambda s, v: s)
    for variant in range(8):
        found = own.turn(own.load(example.samples), torch.full((4,), variant))
        assert torch.equal(found, own.load([turned(s, variant) for s in example.samples]))


@every
def test_another_condition_gives_another_output_from_the_same_seed(name: str) -> None:
    made = denoiser(EXAMPLES[name].make(RATE))
    told, other = given(made, [0]), given(made, [1])
    found = [sample(made, MODEL.scheduler, told | {name: t[name]}, [3], 2, 16) for t in (told, other, told)]
    without = sample(made, MODEL.scheduler, made.conditions.without(told, {name}), [3], 2, 16)
    assert torch.equal(found[0], found[2])
    assert not torch.allclose(found[0], found[1], atol=1e-4)
    assert not torch.allclose(found[0], without, atol=1e-4)


@every
def test_guidance_goes_away_from_its_null_alone(name: str) -> None:
    """Predictions with and without it, by hand."""
    made = denoiser(EXAMPLES[name].make(RATE))
    told, x, t = given(made, [0]), torch.randn(1, 4, 16, 16), torch.tensor(500)
    names = made.conditions.joined(name)
    with torch.no_grad():
        found = Guided(made, told, guidance(made.conditions, name, 3.0, "g"))(x, t)
        full, without = made(x, t, told), made(x, t, made.conditions.without(told, names))
    assert torch.allclose(found, full + 2 * (full - without), atol=1e-4)


@every
def test_guidance_is_refused_if_it_was_never_dropped(name: str) -> None:
    members = Conditions([EXAMPLES[name].make(0.0)], "the folder")
    with pytest.raises(InputError, match=rf"key: .*the folder never learned without {name}; .*dropout 0\)"):
        guidance(members, name, 2.0, "key")


@every
def test_a_sample_that_lacks_it_is_an_input_error(name: str) -> None:
    with pytest.raises(InputError, match=rf"^tile7: has no '\w+', which the condition '{name}' of the model"):
        EXAMPLES[name].make(RATE).load([SimpleNamespace(id="tile7")])


def test_a_folder_with_an_unknown_condition_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / registry.FILE).write_text(json.dumps({"sun": {"dropout": 0.1}}))
    with pytest.raises(
        InputError, match=r"conditions\.json: names the conditions sun, but .* has mask, text, ratios"
    ):
        registry.load(tmp_path)


def test_a_folder_that_does_not_say_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not say what the model was told"):
        registry.load(tmp_path)
