"""What the rules know of scenes larger than a tile."""

from pathlib import Path
from typing import Any

import pytest

from landloom.errors import InputError
from landloom.orchestration import required
from landloom.provenance import lineage
from tests.orchestration.test_dag import OVERSAMPLING, Wildcards, dag

START = {"image_sample": {"collage": {"source": "others", "strength": 0.5}}}
GAN = {"image_train": {"backend": "pix2pix"}, "label_sample": {"source": "real"}}


def scenes(**more: Any) -> Any:
    return dag(generators={"new": {}, "from_image": START, "again": OVERSAMPLING, "gan": GAN}, **more)


def test_generators_make_the_scenes_that_they_can_begin() -> None:
    wanted = {"a": {"mask": "a.tif"}, "b": {"mask": "b.tif", "image": "i.tif"}}
    made = scenes(scene_sample={"scenes": wanted})
    found = ["new/scenes/a", "new/scenes/b", "from_image/scenes/b"]
    assert made.whole.images() == [f"results/{{dataset}}/{f}.image.tif" for f in found]
    assert set(made.own(made.whole.images())) < set(made.results())
    place = Wildcards(dataset="d", generator="from_image", canvas="b")
    own = {"mask": ["b.tif"], "image": ["i.tif"]}
    models = {"base": ["results/d/base"], "controlnet": ["results/d/new/image"]}
    assert made.trained.scene_inputs(place) == models | own


def test_a_scene_in_shards_ends_with_a_job_that_reads_them() -> None:
    wanted = {"a": {"mask": "a.tif", "shards": 2}, "b": {"mask": "b.tif"}}
    made = scenes(scene_sample={"scenes": wanted, "averagings": 2})
    place = Wildcards(dataset="d", generator="new", canvas="a")
    parts = [f"results/d/new/scene_parts/a/{i}.image.tif" for i in range(2)]
    assert made.whole.joined(place) == {"parts": parts, "mask": ["a.tif"]}
    other = Wildcards(dataset="d", generator="new", canvas="b")
    assert made.whole.joined(other) == made.trained.scene_inputs(other)
    key = lineage.key("new/scene_parts/a/1.image.tif", "scene_sample", made.expected())
    assert key == "scenes/a/scene_sample"
    with pytest.raises(InputError, match=r"scenes\.a\.shards: 2 jobs cannot average at every step"):
        scenes(scene_sample={"scenes": wanted})


def test_a_scene_without_a_mask_takes_the_quilted_one_of_its_name_and_starts_from_its_image() -> None:
    quilted = {"scenes": {"a": {"height": 128, "width": 128}}}
    made = scenes(scene_mask=quilted, scene_sample={"scenes": {"a": {}}})
    place = Wildcards(dataset=made.config.dataset, generator="from_image", canvas="a")
    inputs = made.trained.scene_inputs(place)
    assert inputs["mask"] == made.own(made.whole.masks())
    assert inputs["image"] == [inputs["mask"][0].replace(".mask.", ".image.")]
    assert len(made.whole.images()) == 2  # from noise, and from the image
    with pytest.raises(InputError, match=r"scene_sample\.scenes\.b: no mask; give it, or ask"):
        scenes(scene_mask=quilted, scene_sample={"scenes": {"b": {}}})


def test_a_file_of_shares_is_an_input_and_looked_for() -> None:
    asked = {"scenes": {"a": {"height": 128, "width": 128, "ratios": "gone.csv"}}}
    made = scenes(scene_mask=asked)
    place = Wildcards(dataset="d", drawn="a")
    assert (made.whole.ratios(place), made.whole.ratios_words(place)) == (["gone.csv"], "--ratios gone.csv")
    with pytest.raises(InputError, match=r"gone\.csv: a file of a scene that is to be made does not exist"):
        required.files(made)


def test_the_report_of_the_run_itself_shows_all_scenes() -> None:
    quilted = {"scenes": {"a": {"height": 128, "width": 128}}}
    made = scenes(scene_mask=quilted, scene_sample={"scenes": {"a": {}}})
    own, other = (Wildcards(dataset=d) for d in (made.config.dataset, "other"))
    root = f"results/{made.config.dataset}"
    stems = [f"{root}/scene_masks/a", f"{root}/new/scenes/a", f"{root}/from_image/scenes/a"]
    assert made.whole.shown(own) == [f"{s}.image.tif" for s in stems]
    assert made.whole.shown_masks(own) == [f"{s}.mask.tif" for s in stems]
    assert made.whole.shown(other) == made.whole.shown_masks(other) == []


def test_without_scenes_nothing_is_there() -> None:
    made = scenes()
    assert made.whole.images() == []
    assert made.whole.shown(Wildcards(dataset=made.config.dataset)) == []
    assert not any("scenes" in path for path in made.results())


def test_one_more_scene_does_not_run_the_others_again() -> None:
    one = {"a": {"mask": "a.tif", "seed": 4}}
    place = Wildcards(dataset="d", generator="new", canvas="a")
    few, many = (scenes(scene_sample={"scenes": s}) for s in (one, one | {"b": {"mask": "b.tif"}}))
    assert few.section("scene_sample")(place) == many.section("scene_sample")(place)
    assert '"seed":4' in few.section("scene_sample")(place)
    key = lineage.key("new/scenes/a.image.tif", "scene_sample", many.expected())
    assert list(many.expected()[key]["scenes"]) == ["a"]


def test_a_scene_that_nobody_can_make_and_a_file_that_is_not_there_are_named(tmp_path: Path) -> None:
    nobody = dag(generators={"from_image": START}, scene_sample={"scenes": {"a": {"mask": "a.tif"}}})
    with pytest.raises(InputError, match=r"scene_sample.scenes.a: no generator can make it"):
        required.scenes(nobody)
    gone = tmp_path / "gone.tif"
    with pytest.raises(InputError, match=r"gone.tif: a file of a scene that is to be made does not exist"):
        required.files(dag(scene_sample={"scenes": {"a": {"mask": str(gone)}}}, generators={"new": {}}))


def test_names_of_scenes_fit_into_paths() -> None:
    with pytest.raises(InputError, match=r"scenes: the name 'a/b' may hold letters"):
        dag(scene_sample={"scenes": {"a/b": {"mask": "a.tif"}}})


def test_the_check_of_the_run_itself_looks_at_what_is_given() -> None:
    made = scenes(scene_sample={"scenes": {"a": {"mask": "a.tif"}}})
    own, other = Wildcards(dataset=made.config.dataset), Wildcards(dataset="other")
    assert made.whole.given(own) == ["a.tif"]
    assert "a.tif" in made.whole.check_words(own)
    assert made.whole.given(other) == []
    assert made.whole.check_words(other) == ""
    quilted = scenes(scene_mask={"scenes": {"a": {"height": 128, "width": 128}}})
    assert "--drawn" in quilted.whole.check_words(own)
    assert scenes().whole.check_words(own) == ""
