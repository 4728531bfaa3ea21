import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from landloom.data import held_tiles
from landloom.orchestration import resources
from landloom.orchestration.dag import Dag
from tests.orchestration.test_dag import dag


@pytest.mark.parametrize(("dtype", "wanted"), [("uint8", 4), ("uint16", 7), ("float32", 13), ("float16", 7)])
def test_bytes_of_tiles_by_hand(dtype: str, wanted: int) -> None:
    assert held_tiles.tile_bytes(10, 3, 512, dtype) == 10 * 512 * 512 * wanted
    assert held_tiles.capacity(3, 512, dtype) == 10**9 // (512 * 512 * wanted)


def test_bytes_of_latents_are_those_of_the_tensor() -> None:
    latents = torch.empty(5, 8, 4, 16, 16, dtype=torch.bfloat16)
    assert resources.latent_bytes(5, 4, 16, 8, 2) == latents.numel() * latents.element_size()


def test_nothing_heavy_is_imported() -> None:
    """The Snakefile asks for the memory of each job."""
    code = (
        "import sys, landloom.orchestration.resources; print(*sorted({n.split('.')[0] for n in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "pandas", "pyarrow", "rasterio", "numpy"} & set(done.stdout.split())


def needed(made: Dag, stage: str, statistics: Path, data: Any = (), **wildcards: str) -> int:
    inputs = SimpleNamespace(statistics=str(statistics), data=data)
    found = made.memory(stage)(SimpleNamespace(generator="g", **wildcards), inputs, 1)
    assert made.memory(stage)(SimpleNamespace(generator="g", **wildcards), inputs, 3) == 3 * found
    return found - resources.NEEDS[stage].memory


@pytest.fixture
def statistics(tmp_path: Path) -> Path:
    """Potsdam: 11,638 tiles of 512 px, 3 bands of 8 bits."""
    path = tmp_path / "statistics.json"
    path.write_text(json.dumps({"tiles": {"train": 11638}, "bands": 3, "size": 512, "dtype": "uint8"}))
    return path


def test_training_a_network_asks_for_the_tiles_of_its_mix_up_to_the_bound(
    statistics: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = dag(generators={"g": {}}, mix={"ratios": [0.4]})
    assert needed(made, "segment", statistics, ratio="0") == 1000
    assert needed(dag(segment={"processes": 2}), "segment", statistics, ratio="0") == 2000
    monkeypatch.setattr(resources, "HELD_BYTES", 10**12)
    made = dag(generators={"g": {}}, mix={"ratios": [0.4, 1.0]})
    tile = 512 * 512 * 4 / 1e6
    assert needed(made, "segment", statistics, ratio="0") == pytest.approx(11638 * tile, abs=1)
    assert needed(made, "segment", statistics, ratio="1") == pytest.approx(2 * 11638 * tile, abs=1)
    alone = dag(generators={"g": {}}, mix={"ratios": [0.4], "of": "alone"})
    assert needed(alone, "segment", statistics, ratio="0.4") == pytest.approx(4655 * tile, abs=1)
    assert needed(alone, "segment", statistics, ratio="0") == pytest.approx(11638 * tile, abs=1)


def test_trainings_ask_for_their_data_up_to_the_bound(
    statistics: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / "a.safetensors", tmp_path / "b.safetensors", tmp_path / "base"]
    for file, size in zip(files, (5_000_000, 2_000_000, 1), strict=True):
        file.write_bytes(bytes(size))
    made = dag(generators={"g": {"label_train": {"backend": "lora"}}}, base={"masks": True})
    for stage in ("image_train", "label_train"):
        assert needed(made, stage, statistics, list(map(str, files))) == 7
    two = dag(generators={"g": {"image_train": {"processes": 2}}})
    assert needed(two, "image_train", statistics, list(map(str, files))) == 14
    pix2pix = dag(generators={"g": {"image_train": {"backend": "pix2pix"}}})
    categorical = dag(generators={"g": {"label_train": {"backend": "categorical"}}})
    assert needed(pix2pix, "image_train", statistics) == 1000
    assert needed(categorical, "label_train", statistics) == 1000
    assert needed(made, "encode", statistics) == 1000
    monkeypatch.setattr(resources, "HELD_BYTES", 6_000_000)
    assert needed(made, "image_train", statistics, list(map(str, files))) == 6
    monkeypatch.setattr(resources, "HELD_BYTES", 10**12)
    pixels = 11638 * 512 * 512 / 1e6
    assert needed(pix2pix, "image_train", statistics) == pytest.approx(7 * pixels, abs=1)
    assert needed(categorical, "label_train", statistics) == pytest.approx(pixels, abs=1)


def test_a_base_from_scratch_holds_pictures_or_latents_and_a_given_one_nothing(
    statistics: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = dag(base={"augment": "flip", "masks": False, "vae": {"channels": [16, 32, 64], "latent": 4}})
    more = dag(base={"augment": "d4", "masks": True, "vae": {"channels": [16, 32, 64], "latent": 4}})
    assert needed(made, "base", statistics) == 1000
    assert needed(dag(base={"source": "models/sd"}), "base", statistics) == 0
    monkeypatch.setattr(resources, "HELD_BYTES", 10**12)
    assert needed(made, "base", statistics) == pytest.approx(11638 * 512 * 512 * 7 / 1e6, abs=1)
    assert needed(more, "base", statistics) == pytest.approx(11638 * 16 * 4 * 128 * 128 * 4 / 1e6, abs=1)


def test_before_there_is_a_card_a_job_asks_for_itself_alone(tmp_path: Path) -> None:
    assert needed(dag(generators={"g": {}}), "segment", tmp_path / "statistics.json", ratio="1") == 0


@pytest.mark.parametrize(
    ("shards", "cores", "threads"), [(1, 2, 2), (1, 64, 4), (3, 8, 2), (3, 2, 1), (1, None, 1)]
)
def test_tile_takes_the_cores_that_few_shards_leave(shards: int, cores: int | None, threads: int) -> None:
    assert resources.spare_cores(shards, cores) == threads
