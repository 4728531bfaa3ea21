from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from landloom.conditions import grid_features, patch_extractors, registry
from landloom.conditions.base import Host
from landloom.conditions.embedding import Embedding
from landloom.conditions.grid_features import GridFeatures, digest, load
from landloom.conditions.grid_tokens import GridTokens, waves
from landloom.conditions.group import Conditions
from landloom.config.encode import EncodeConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_train import LabelTrainConfig
from landloom.data import samples
from landloom.data.symmetry import turn
from landloom.errors import InputError
from tests import bases, transformer
from tests.transformer import WIDTH


def taking(folder: Path, grid: int = 2) -> GridFeatures:
    """Features of images of four bands from 0 to 1, of which the first is blue."""
    return GridFeatures(str(folder), grid, WIDTH, [0.0] * 4, [1.0] * 4, [2, 1, 0])


def image(seed: int = 0) -> Any:
    return np.random.default_rng(seed).random((4, 32, 32)).astype(np.float32)


def features(own: GridFeatures, *images: Any) -> torch.Tensor:
    return own(torch.stack([own.picture(i) for i in images]))


def sections(folder: Path, grid: int = 2) -> tuple[EncodeConfig, ImageTrainConfig]:
    own = {"embedding": {"extractor": str(folder), "grid": grid}}
    return EncodeConfig.model_validate(own), ImageTrainConfig.model_validate(own)


def host() -> Host:
    return Host(bases.dataset(), "caption", torch.zeros(1, 7, 32), 64)


def test_a_place_is_the_mean_of_its_patches_at_length_1(tmp_path: Path) -> None:
    own = taking(transformer.save(tmp_path, 32))
    found = features(own, image())
    maps = load(str(tmp_path))(own.picture(image())[None])
    assert maps.shape == (1, WIDTH, 4, 4)
    by_hand = F.normalize(maps[0, :, :2, 2:].mean((1, 2)), dim=0)
    assert found.dtype == torch.float16
    assert torch.allclose(found[0, :, 0, 1].float(), by_hand, atol=1e-3)
    assert torch.allclose(found.float().norm(dim=1), torch.ones(1, 2, 2), atol=2e-3)


def test_a_patch_lands_where_it_lies_in_the_picture(tmp_path: Path) -> None:
    own, other = taking(transformer.save(tmp_path, 32), 4), image()
    other[:, 8:16, 24:] = 1
    changed = (features(own, image()) != features(own, other)).any(1)[0]
    assert changed.nonzero().tolist() == [[1, 3]]


def test_only_the_bands_of_the_picture_are_seen(tmp_path: Path) -> None:
    own, infrared, red = taking(transformer.save(tmp_path, 32)), image(), image()
    infrared[3], red[2] = 0, 0
    assert torch.equal(features(own, image()), features(own, infrared))
    assert not torch.allclose(features(own, image()), features(own, red), atol=1e-2)


def test_the_scaling_of_the_folder_is_applied(tmp_path: Path) -> None:
    """By hand: (0.75 - 0.5) / 0.25 = 1 in all bands."""
    known = patch_extractors.facts(str(transformer.save(tmp_path, 32)))
    grey = torch.full((1, 3, 8, 8), round(0.75 * 255), dtype=torch.uint8)
    found = grid_features.Standardised(known)(grey)
    assert torch.allclose(found, torch.ones(1, 3, 32, 32), atol=0.01)


def test_training_shows_the_features_of_the_turned_tile_itself(tmp_path: Path) -> None:
    """With a network that does not turn with its pictures."""
    folder, tiles = transformer.save(tmp_path / "vit", 32, layers=1), bases.tiles(tmp_path)
    encode, train = sections(folder)
    kept = registry.recorded(encode.model_copy(update={"augment": "d4"}), bases.dataset(), tiles)
    told = Embedding.told(train.model_copy(update={"caption_dropout": 0}), host())
    assert told is not None
    told.dropout = 0
    variants, own = torch.tensor([0, 1, 2, 3, 4, 5, 6, 7]), told.features
    shown = told.practised(kept, variants)
    pictures = [own.picture(s.image_array()) for s in samples.read(tiles, split="train")]
    turned = own(torch.stack([turn(p, int(v)) for p, v in zip(pictures, variants, strict=True)]))
    assert kept["embedding"].shape == (8, 8, WIDTH, 2, 2)
    assert torch.allclose(shown.float(), turned.float(), atol=2e-3)
    assert not torch.allclose(shown.float(), told.turn(told.cached(kept), variants).float(), atol=1e-2)


def test_from_the_tiles_to_the_sampler(tmp_path: Path) -> None:
    folder, tiles = transformer.save(tmp_path / "vit", 32), bases.tiles(tmp_path)
    encode, train = sections(folder)
    assert "embedding" not in registry.recorded(EncodeConfig(), bases.dataset(), tiles)
    kept = registry.recorded(encode, bases.dataset(), tiles)
    told = registry.told(train, host())
    assert [c.name for c in told] == ["mask", "text", "embedding"]
    registry.save(Conditions([told.members["embedding"]]), tmp_path)
    again = registry.load(tmp_path).members["embedding"]
    found = again.load(list(samples.read(tiles, split="train")))
    assert torch.allclose(found.float(), told.members["embedding"].cached(kept).float(), atol=1e-3)
    samples.write(tmp_path / "none.parquet", [])
    none = registry.recorded(encode, bases.dataset(), [tmp_path / "none.parquet"])
    assert none["embedding"].shape == (0, 8, WIDTH, 2, 2)


def test_label_generators_are_not_told() -> None:
    assert Embedding.told(LabelTrainConfig(), host()) is None


def test_a_place_that_is_not_told_has_its_own_learned_token() -> None:
    made, raw = GridTokens(3, 8, 2, 16), torch.randn(1, 3, 2, 2)
    raw[:, :, 1, 0] = 0
    found = made(raw)
    assert torch.equal(found[0, 2], made.null[2])
    by_hand = made.enter(raw[0, :, 0, 1] * 3**0.5) + made.places[1]
    assert torch.allclose(found[0, 1], by_hand, atol=1e-6)
    assert torch.equal(made(torch.zeros(2, 3, 2, 2))[1], made.null)
    assert not (made.null == 0).all(1).any()


def test_places_are_told_in_pixels_of_the_tile() -> None:
    """Two places a side of a tile of 4 pixels: centres at 1 and 3; periods of 2 pi and 200 pi."""
    found = waves(2, 4, 9)
    low, high = ([np.sin(x), np.sin(x / 100), np.cos(x), np.cos(x / 100)] for x in (1, 3))
    rows = [[*down, *across, 0] for down in (low, high) for across in (low, high)]
    assert torch.allclose(found, torch.tensor(rows).float(), atol=1e-6)


def test_a_sample_without_an_image_needs_no_extractor(tmp_path: Path) -> None:
    folder, bare = transformer.save(tmp_path / "vit", 32), SimpleNamespace(id="t1", image=None)
    told = Embedding.told(sections(folder)[1], host())
    assert told is not None
    registry.save(Conditions([told]), tmp_path)
    (folder / "model.safetensors").unlink()
    again = registry.load(tmp_path).members["embedding"]
    assert again.untold(again.load([bare])).all()
    again.dropout = 0
    with pytest.raises(InputError, match=r"^t1: has no image yet, which the condition 'embedding' of the"):
        again.load([bare])


def test_another_extractor_than_the_models_is_an_input_error(tmp_path: Path) -> None:
    folder = transformer.save(tmp_path / "vit", 32)
    made = Embedding(taking(folder), 32, 32, 0.1, "another digest")
    one = SimpleNamespace(id="t1", image=b"", image_array=image)
    with pytest.raises(InputError, match=r"vit: holds other weights than those that the model learned from"):
        made.load([one])


def test_latents_of_another_grid_are_an_input_error(tmp_path: Path) -> None:
    folder, tiles = transformer.save(tmp_path / "vit", 32), bases.tiles(tmp_path)
    kept = registry.recorded(sections(folder, 4)[0], bases.dataset(), tiles)
    told = Embedding.told(sections(folder)[1], host())
    assert told is not None
    with pytest.raises(InputError, match=r"latents: are \(8, 4, 4\) a tile, .* gives \(8, 2, 2\)\. Run"):
        told.practised(kept, torch.zeros(8, dtype=torch.long))


@pytest.mark.parametrize("value", [float("nan"), 0.0])
def test_features_that_say_nothing_are_an_input_error(tmp_path: Path, value: float) -> None:
    weights = load_file(transformer.save(tmp_path, 32) / "model.safetensors")
    last = {k: torch.full_like(v, value) for k, v in weights.items() if k.startswith("layernorm.")}
    save_file(weights | last, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"^embedding\.extractor: .* its features of an image are zero"):
        features(taking(tmp_path), image())


def broken(folder: Path, kind: str) -> None:
    """A folder of a transformer with one thing wrong."""
    file = folder / "model.safetensors"
    if kind == "pickle":
        torch.save(load_file(file), folder / "pytorch_model.bin")
        file.unlink()
    elif kind == "cut":
        file.write_bytes(file.read_bytes()[:100])
    elif kind == "lacking":
        kept = {k: v for k, v in load_file(file).items() if not k.startswith("layernorm.")}
        save_file(kept, file, {"format": "pt"})
    elif kind == "text":
        (folder / "config.json").write_text('{"model_type": "bert", "hidden_size": 8}')
    elif kind == "unscaled":
        (folder / "preprocessor_config.json").write_text('{"image_mean": [0.5]}')


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("pickle", r"holds no safetensors file\. Give the folder of a vision transformer"),
        ("cut", r"cannot be read as a vision transformer \("),
        ("lacking", r"has no weights for layernorm\."),
        ("text", r"config\.json: names no image_size, as that of a vision transformer does"),
        ("unscaled", r"preprocessor_config\.json: names no image_mean of three bands"),
    ],
)
def test_a_folder_that_cannot_be_used_is_an_input_error(tmp_path: Path, kind: str, message: str) -> None:
    broken(transformer.save(tmp_path, 32), kind)
    with pytest.raises(InputError, match=message):
        load(str(tmp_path))


def test_efficientnet_of_the_package() -> None:
    for name in patch_extractors.PACKAGES:
        pytest.importorskip(name, reason="the optional package landloom[features] is not installed")
    own = GridFeatures("efficientnet_lite0", 4, 112, [0.0], [1.0], [0])
    found = features(own, image(1)[:1], image(2)[:1])
    assert found.shape == (2, *own.shape)
    assert not torch.allclose(found[0], found[1], atol=1e-2)
    assert len(digest("efficientnet_lite0")) == 64
