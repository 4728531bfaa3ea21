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


def test_a_training_that_went_on_is_counted_in_whole(tmp_path: Path) -> None:
    model, base = tmp_path / "image", tmp_path / "base"
    record(base, "base", 300, [])
    record(model, "image_train", 60, [base])  # of its last start
    rows = [(1, 2), (20, 95), (40, 50), (50, 100)]
    text = "".join(json.dumps({"step": s, "it_per_s": 1, "seconds": v}) + "\n" for s, v in rows)
    (tmp_path / "image.metrics.jsonl").write_text(text)
    (tmp_path / "base.vae.metrics.jsonl").write_text(text[:20])  # ran through: what its record says
    (tmp_path / "images.metrics.jsonl").write_text(text)  # another model's
    assert cost(model) == Cost(round((300 + 247) / 60, 2), "image_train")


def test_without_a_record_nothing_is_known(tmp_path: Path) -> None:
    assert cost(tmp_path / "image") == Cost(None, None)
    (tmp_path / "image.prov.json").write_text('{"stage": "image_tr')
    assert cost(tmp_path / "image") == Cost(None, None)


def test_without_the_record_of_an_input_the_time_is_unknown(tmp_path: Path) -> None:
    """It may be the base, whose training must not be left out in silence."""
    record(tmp_path / "image", "image_train", 60, [tmp_path / "base"])
    assert cost(tmp_path / "image") == Cost(None, "image_train")
