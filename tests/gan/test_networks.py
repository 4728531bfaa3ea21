from pathlib import Path

import pytest
import torch

from landloom.config.image_train import SMALLEST
from landloom.errors import InputError
from landloom.gan import networks
from landloom.gan.networks import Generator, discriminator


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(0)
    return Generator(classes=3, bands=4, width=8, levels=3).eval()


def test_sizes(generator: Generator) -> None:
    made = generator(torch.rand(2, 3, 32, 32))
    assert made.shape == (2, 4, 32, 32)
    assert made.abs().max() <= 1
    assert discriminator(7, 8)(torch.rand(2, 7, 32, 32)).shape == (2, 1, 2, 2)


def test_dropout_is_the_noise_in_evaluation_too(generator: Generator) -> None:
    hint = torch.rand(1, 3, 32, 32)
    made = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        made.append(generator(hint))
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_an_image_is_normalised_by_itself(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its neighbours in the batch and the statistics of training play no part."""
    monkeypatch.setattr(networks.Noise, "forward", lambda self, x: x)
    hints = torch.rand(3, 3, 32, 32) * torch.tensor([1, 5, 20])[:, None, None, None]
    alone = torch.cat([generator(h[None]) for h in hints])
    assert torch.allclose(generator(hints), alone, atol=1e-5)
    generator.train()(10 * hints)
    assert torch.allclose(generator.eval()(hints), alone, atol=1e-5)
    assert not any("running" in name for name in generator.state_dict())


def test_the_norm_by_hand() -> None:
    norm, x = networks.Norm(1), torch.tensor([[[[0.0, 2.0]]], [[[10.0, 14.0]]]])
    together = norm(x).flatten()
    assert together[:2].mean() < -0.5 < 0.5 < together[2:].mean()
    assert norm.eval()(x).flatten().tolist() == pytest.approx([-1, 1, -1, 1], abs=1e-4)


def test_a_saved_generator_is_the_same(generator: Generator, tmp_path: Path) -> None:
    generator.save(tmp_path)
    other, hint = networks.load(tmp_path), torch.rand(1, 3, 32, 32)
    torch.manual_seed(3)
    expected = generator(hint)
    torch.manual_seed(3)
    assert torch.equal(other(hint), expected)


def test_a_damaged_folder_is_an_input_error(generator: Generator, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no generator"):
        networks.load(tmp_path)
    generator.save(tmp_path)
    (tmp_path / networks.WEIGHTS).write_bytes(b"cut off")
    with pytest.raises(InputError, match="Run image_train again"):
        networks.load(tmp_path)


def test_the_smallest_tile_of_the_discriminator() -> None:
    network = discriminator(4, 4).eval()
    assert network(torch.zeros(1, 4, SMALLEST, SMALLEST)).shape == (1, 1, 1, 1)
    with pytest.raises(RuntimeError):
        network(torch.zeros(1, 4, SMALLEST - 8, SMALLEST - 8))
