"""What generators of real, predicted and repainted masks ask for."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from landloom.errors import InputError
from tests.orchestration.test_dag import ROOT, Wildcards, dag, gpus

PREDICTED = {"label_sample": {"source": "predicted"}, "image_sample": {"source": "real"}}


def test_pseudo_labels_ask_for_the_judge_and_are_not_exported() -> None:
    made = dag(generators={"new": {}, "guessed": PREDICTED | {"curate": {"network": None}}})
    w = Wildcards(dataset="d", generator="guessed")
    assert made.trained.label_models(w) == {"judge": [made.judge(w)]}
    assert made.trained.image_models(w) == {}
    assert [made.trained.synthetic(g) for g in ("new", "guessed")] == [True, False]
    assert not any("guessed" in m for m in made.trained.metrics())
    assert made.known(w) == []
    text = made.section("label_sample")(w)
    assert json.loads(text) == {"source": "predicted"}
    assert gpus(made, "label_sample", generator="guessed") == 1


def test_repainted_tiles_need_an_image_generator_alone() -> None:
    known = {"known_pixels": {}}
    own = {"label_sample": {"source": "repaint"}, "image_train": {"backend": "controlnet"} | known}
    made = dag(generators={"new": own}, encode=known)
    w = Wildcards(dataset="d", generator="new")
    assert made.trained.label_models(w) == {}
    assert set(made.trained.image_models(w)) == {"base", "controlnet"}
    assert gpus(made, "label_sample", generator="new") == 0
    assert json.loads(made.section("label_sample")(w)) == {"source": "repaint"}


@pytest.mark.parametrize(
    ("source", "other"),
    [
        ("model", {"predicted": {"tiles": 9}, "repaint": {"margin": 1}}),
        ("predicted", {"steps": 3}),
        ("repaint", {"smooth": 9, "looks": "any", "control": {"repair": True}}),
    ],
)
def test_masks_depend_on_no_setting_of_another_source(source: str, other: dict[str, Any]) -> None:
    def text(**more: Any) -> str:
        known = {"known_pixels": {}}
        own = {"label_sample": {"source": source} | more, "image_train": known}
        made = dag(generators={"g": own}, encode=known)
        return made.section("label_sample")(Wildcards(generator="g"))

    assert text() == text(**other)
    assert text(predicted={"threshold": 0.5}) == text() or source == "predicted"
    assert text(repaint={"margin": 9}) == text() or source == "repaint"


def test_pseudo_labels_need_scenes_without_labels(tmp_path: Path) -> None:
    for kind in ("images", "masks", "more"):
        for name in "abc":
            (tmp_path / kind / f"{kind[0]}{name}.tif").parent.mkdir(exist_ok=True)
            (tmp_path / kind / f"{kind[0]}{name}.tif").touch()
    data = yaml.safe_load((ROOT / "config/config.yaml").read_text())["data"]
    data = {k: data[k] for k in ("classes", "ignore") if k in data}
    data |= {"images": f"{tmp_path}/images/i{{s}}.tif", "masks": f"{tmp_path}/masks/m{{s}}.tif"}
    guessed = {"generators": {"g": PREDICTED}}
    with pytest.raises(InputError, match=r"'predicted' of generator 'g' needs unlabelled.*data\.unlabelled"):
        dag(data=data, **guessed).require_files()
    more = {"unlabelled": f"{tmp_path}/more/{{s}}.tif"}
    blocks = {"split": {"by": "block", "block": 512, "labelled": 0.5}}
    for given in (more, blocks):
        dag(data=data | given, **guessed).require_files()
    made = dag(data=data | more, **guessed)
    assert [made.splits[s] for s in ("ma", "mb", "mc")] == ["unlabelled"] * 3
    w = Wildcards(scene="ma")
    assert (made.images(w), made.masks(w), made.split(w)) == ([f"{tmp_path}/more/ma.tif"], [], "unlabelled")


def test_real_images_of_sampled_masks_are_still_refused() -> None:
    with pytest.raises(InputError, match=r"image_sample.source 'real' needs masks that bring an image"):
        dag(generators={"g": {"image_sample": {"source": "real"}}})
