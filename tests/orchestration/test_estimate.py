"""The numbers of ``landloom estimate``, by hand."""

from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peft import LoraConfig
from torch import nn

from landloom.commands import estimate as command
from landloom.config.export import ExportConfig
from landloom.config.image_train import ImageTrainConfig
from landloom.config.label_train import LabelTrainConfig
from landloom.config.segment import Network
from landloom.diffusion import controlnet
from landloom.models.families.base import Bundle
from landloom.orchestration import estimate, preflight, storage
from landloom.orchestration.dag import Dag
from landloom.orchestration.estimate import Rate, Row
from landloom.orchestration.resources import Tiles
from landloom.orchestration.unweighted_networks import UnweightedNetworks
from landloom.orchestration.workload import Workload
from landloom.segmentation import networks
from tests import bases, families
from tests.orchestration.test_dag import dag

TILES = Tiles(train=100, held_out=20, bands=3, size=64, dtype="uint8")
AREA = 64 * 64
BASE = {"masks": True, "augment": "none", "vae": {"channels": [16, 32, 64], "latent": 4}}
LORA = {"label_train": {"backend": "lora"}}
Usage = namedtuple("Usage", "total used free")


REAL = {"label_sample": {"source": "real"}, "image_sample": {"source": "real"}}
COLLAGE = {"image_sample": {"source": "collage"}}


def small(**more: Any) -> Dag:
    plan = {"count": 50, "shards": 2}
    return dag(tile={"size": 64}, plan=plan, base=BASE, **more)


def test_bytes_of_what_is_written_by_hand() -> None:
    made = small(generators={"g": LORA}, encode={"augment": "flip"}, export={"formats": ["coco", "stac"]})
    found = storage.data(made.config, made.trained, TILES)
    image, mask, trust = int(3 * AREA * 0.7), int(AREA * 0.05), int(AREA * 0.5)
    assert found["tile_scenes"] == 120 * (image + mask + 1000)
    assert found["label_sample"] == 50 * (mask + 1000)
    assert found["image_sample"] == (50 + 2 * 8) * (image + mask + 1000)  # eight resamples of each shard
    assert found["curate"] == 50 * (image + mask + trust + 1000)
    assert found["export"] == 50 * 2 * (image + mask)  # the files that COCO and STAC point to
    both = ["coco", "coco-boxes", "geojson-boxes"]
    assert storage.copies(made.config.model_copy(update={"export": ExportConfig(formats=both)})) == 1
    latents = 2 * 100 * 2 * 4 * 16 * 16 * 4  # of images and masks, two variants, fp32
    assert found["encode"] == latents + 2 * 100 * 77 * 64 * 4 + 100 * AREA
    assert found["base"] == 2 * 100 * 4 * 16 * 16 * 4


def test_real_samples_are_neither_exported_nor_compared() -> None:
    made = small(generators={"oversampling": REAL})
    found = storage.data(made.config, made.trained, TILES)
    assert (found["export"], found["features"], found["encode"]) == (0, 0, 0)
    assert dict(estimate.work(made, TILES))["export"] == "0 pairs"
    assert found["curate"] > 0
    assert {"label_train", "image_train", "encode"}.isdisjoint(r for r, n in jobs(made).items() if n)


def jobs(made: Dag) -> dict[str, int]:
    return Workload(made, TILES).jobs


def test_flops_of_a_network_are_those_of_its_convolutions() -> None:
    """PSPNet of ResNet-18 at 64 px: torch's own count of a pass of real numbers."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    made = small(segment={"networks": {"p": {"architecture": "PSPNet", "encoder": "resnet18"}}})
    cost, bands, classes = UnweightedNetworks(made.config, 3).segment("p"), 3, len(made.config.data.classes)
    model = networks.build(Network(architecture="PSPNet", encoder="resnet18"), bands, classes).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, 64, 64))
    assert cost.forward == counter.get_total_flops()
    assert cost.step == 3 * cost.forward
    assert cost.saved == sum(p.numel() for p in model.parameters())


def test_stable_diffusion_is_known_without_its_weights() -> None:
    made = dag(base={"source": "owner/not-here", "revision": "abc"}, tile={"size": 512})
    found = UnweightedNetworks(made.config, 3)
    assert found.base_parameters == 859_520_964 + 123_060_480 + 83_653_863
    assert found.encoding == pytest.approx(1.12e12, rel=0.01)


@pytest.mark.parametrize("make", [families.sdxl, families.sd3])
def test_networks_of_other_families_are_known_without_their_weights(
    make: Callable[[], Bundle], tmp_path: Path
) -> None:
    model, label, image = make(), LabelTrainConfig(rank=4), ImageTrainConfig()
    model.save(tmp_path)
    found = UnweightedNetworks(dag(base={"source": str(tmp_path)}, tile={"size": bases.SIDE}).config, 3)

    def size(module: Any) -> int:
        return sum(p.numel() for p in module.parameters())

    assert found.base_parameters == sum(size(p) for p in model.parts.values() if isinstance(p, nn.Module))
    assert found.words == tuple(model.embed(["a"]).shape[1:])
    channels = 3 if model.paints else len(dag().config.data.classes)
    control = controlnet.build(image, model, channels)
    trained = sum(p.numel() for p in control.parameters() if p.requires_grad)
    assert found.image(image).saved == trained
    model.network.add_adapter(LoraConfig(r=4, target_modules=label.targets))
    assert found.label(label).saved == sum(
        p.numel() for n, p in model.network.named_parameters() if "lora" in n
    )
    assert found.image(image).step > found.label(label).step > 2 * found.label(label).forward > 0


def test_a_lora_that_is_trained_twice_is_counted_twice() -> None:
    settings = {"steps": 10, "batch": 4, "precision": "bf16"}
    one = {"label_train": LORA["label_train"] | settings} | COLLAGE
    other = one | {"label_train": one["label_train"] | {"proportion": {"weight": 0}}}
    alone, both = small(generators={"a": one}), small(generators={"a": one, "b": other})
    once, twice = Workload(alone, TILES), Workload(both, TILES)
    assert once.flops["label_train"] == 10 * 4 * once.label["a"].step
    assert twice.flops["label_train"] == 2 * once.flops["label_train"]
    assert (twice.jobs["label_train"], twice.jobs["image_train"]) == (2, 0)


def test_seconds_follow_from_the_rate() -> None:
    made = small(generators={"g": REAL})
    slow, fast = (
        {r.rule: r for r in estimate.rows(made, TILES, Rate(tflops, 0.5))}["segment"] for tflops in (100, 200)
    )
    load = Workload(made, TILES)
    assert slow.seconds == pytest.approx(load.flops["segment"] / 50e12)
    assert fast.seconds == pytest.approx(slow.seconds / 2)


def row(**more: Any) -> Row:
    settings = {"rule": "curate", "jobs": 2, "work": "", "disk": 10, "checkpoints": 3, "asked": 4 * 10**9}
    return Row(**(settings | {"needed": 3 * 10**9, "minutes": 60, "seconds": 7200.0} | more))


def test_shortages_name_both_numbers() -> None:
    assert estimate.shortages([row()]) == []
    (memory,) = estimate.shortages([row(needed=5 * 10**9)])
    assert "curate: asks for 4.0 GB of memory and needs 5.0" in str(memory)
    assert "mem_mb 5000" in str(memory)
    (time,) = estimate.shortages([row(seconds=2 * 90 * 60.0)])
    assert "asks for 60 minutes and needs 90" in str(time)
    assert estimate.shortages([row(rule="segment", seconds=1e9)]) == []  # it goes on in another turn
    assert estimate.shortages([row(jobs=0, needed=10**12)]) == []


def test_checkpoints_count_for_the_disk() -> None:
    assert estimate.total([row(), row(disk=5, checkpoints=0)]) == 18


def test_a_full_disk_is_named_with_both_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda folder: Usage(10**12, 0, 40 * 10**9))
    config = small(generators={"g": LORA}).config
    assert storage.full(config, 40 * 10**9) == []
    (problem,) = storage.full(config, 50 * 10**9)
    assert "40.0 GB are free, and the run writes about 50.0 GB more" in str(problem)
    there = tmp_path / f"results/{config.dataset}"
    there.mkdir(parents=True)
    with (there / "tiles").open("wb") as file:
        file.truncate(9 * 10**9)
    (there / "kept").hardlink_to(there / "tiles")  # one file of two names
    (problem,) = storage.full(config, 50 * 10**9)
    assert "about 41.0 GB more" in str(problem)
    assert storage.full(config, 49 * 10**9) == []
    (problem,) = storage.full(config, 49 * 10**9, beside=2 * 10**9)  # other shares of labels
    assert "about 42.0 GB more" in str(problem)
    assert storage.full(small(check={"free_disk_gb": 1}).config, 50 * 10**9) == []


def test_a_run_that_has_no_room_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = small(generators={"g": LORA})
    checked = tmp_path / f"results/{made.config.dataset}/check.json"
    checked.parent.mkdir(parents=True)
    checked.write_text(
        '{"windows": {"train": 100000, "val": 10, "test": 10}, "scenes": [{"bands": 3, "dtype": "uint8"}]}'
    )
    run = (made.config, made.trained)
    preflight.require_room([run])
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda folder: Usage(10**12, 0, 10**6))
    with pytest.raises(SystemExit, match=r"error: .*0\.0 GB are free.*landloom estimate"):
        preflight.require_room([run])


def test_shares_of_labels_need_room_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = small(generators={"g": LORA}, evidence={"labelled": [0.5, 1.0]})
    runs = [made, *made.others.values()]
    for run in runs:
        checked = tmp_path / f"results/{run.config.dataset}/check.json"
        checked.parent.mkdir(parents=True)
        checked.write_text(
            '{"windows": {"train": 1000, "val": 10, "test": 10}, "scenes": [{"bands": 3, "dtype": "uint8"}]}'
        )
    tiles = preflight.surveyed(made.config)
    one = sum(storage.data(made.config, made.trained, tiles).values())
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda folder: Usage(10**12, 0, round(1.5 * one)))
    for run in runs:
        preflight.require_room([(run.config, run.trained)])
    with pytest.raises(SystemExit, match=r"GB are free"):
        preflight.require_room([(run.config, run.trained) for run in runs])


def test_the_table_has_a_line_for_each_rule_and_a_sum() -> None:
    lines = list(command.table([row(work="50 pairs"), row(rule="mix", jobs=0)]))
    assert [line.split()[0] for line in lines] == ["rule", "curate", "checkpoints", "all"]
    assert lines[1].split() == ["curate", "2", "50", "pairs", "0.0", "4.0", "3.0", "1.0", "2.0"]
