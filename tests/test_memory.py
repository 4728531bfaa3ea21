import subprocess
import sys

import pytest
import torch

from landloom import memory


@pytest.mark.parametrize(("dtype", "wanted"), [("uint8", 4), ("uint16", 7), ("float32", 13), ("float16", 7)])
def test_bytes_of_tiles_by_hand(dtype: str, wanted: int) -> None:
    assert memory.tile_bytes(10, 3, 512, dtype) == 10 * 512 * 512 * wanted


def test_bytes_of_latents_are_those_of_the_tensor() -> None:
    latents = torch.empty(5, 8, 4, 16, 16, dtype=torch.bfloat16)
    assert memory.latent_bytes(5, 4, 16, 8, 2) == latents.numel() * latents.element_size()


def test_nothing_heavy_is_imported() -> None:
    """The Snakefile asks for the memory of each job."""
    code = "import sys, landloom.memory; print(*sorted({n.split('.')[0] for n in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "pandas", "pyarrow", "rasterio", "pydantic"} & set(done.stdout.split())
