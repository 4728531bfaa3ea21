import json
from pathlib import Path

from landloom.metrics.cost import Cost, cost


def record(path: Path, stage: str, seconds: float, inputs: list[Path]) -> None:
    body = {"stage": stage, "seconds": seconds, "device": stage, "inputs": {str(p): "digest" for p in inputs}}
    path.with_name(f"{path.name}.prov.json").write_text(json.dumps(body))


def test_a_model_costs_its_own_training_and_its_bases(tmp_path: Path) -> None:
    model, base, latents = (tmp_path / n for n in ("image", "base", "latents"))
    record(base, "base", 300, [])
    record(latents, "encode", 1000, [base])
    record(model, "image_train", 60, [base, latents])
    assert cost(model) == Cost(6.0, "image_train")


def test_without_a_record_nothing_is_known(tmp_path: Path) -> None:
    assert cost(tmp_path / "image") == Cost(None, None)
