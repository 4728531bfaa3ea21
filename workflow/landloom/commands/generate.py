"""``landloom generate``: new pairs at an asked class mix from a finished run, without Snakemake."""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from landloom.config import Config, load, merge
from landloom.config.caption import Words
from landloom.config.image_sample import ImageSampleConfig
from landloom.config.label_sample import LabelSampleConfig
from landloom.data import samples
from landloom.errors import InputError
from landloom.orchestration import config_files
from landloom.orchestration.dag import Dag
from landloom.runtime import command_line
from landloom.runtime.command_line import unmarked
from landloom.stages import export, image_sample, label_sample, plan

FIELDS = ("lon", "lat", "gsd", "cloud", "acquired")
"""Metadata that may be asked for."""
SAMPLING = ("label_sample", "image_sample")


def main(arguments: list[str]) -> int:
    """Write the folder; returns 0."""
    given = parser().parse_args(arguments)
    raw = config_files.read(given.configfile or [Path("config/config.yaml")])
    dag = Dag(raw)
    name = given.generator or dag.generators[0]
    if name not in dag.generators:
        raise InputError("--generator", f"'{name}' is none", f"Take one of {', '.join(dag.generators)}")
    if given.out.exists():
        raise InputError(given.out, "is there already", "Give another name, or remove it")
    wish = numbers(given.tell, "--tell", FIELDS)
    heard(dag.config, name, wish)
    config = load(asked(raw, name, given, wish), "landloom generate")
    with command_line.atomic([given.out]) as (out,), tempfile.TemporaryDirectory() as work:
        count = made(dag, config, name, out, Path(work))
    print(f"{given.out}: {count} pairs of {name}; dataset.json says what they are")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    shown = argparse.ArgumentParser(prog="landloom generate", description=unmarked(__doc__))
    add = shown.add_argument
    add("--out", type=Path, required=True, help="folder of the export; must not be there yet")
    add("--generator", help="generator of the run; its first one when absent")
    add("--count", type=int, default=16, help="pairs to make")
    add("--ratios", nargs="+", default=[], metavar="CLASS=SHARE", help="the mix of each pair; classes that "
        "are left out are open; without it, as the run's plan has it")  # fmt: skip
    add("--table", help="CSV with one column a class and one row a mix, in place of --ratios")
    add("--tell", nargs="+", default=[], metavar="FIELD=VALUE", help=f"of {', '.join(FIELDS)}, to generators "
        "that learned metadata")  # fmt: skip
    add("--guidance", nargs="+", default=[], metavar="NAME=SCALE", help="of conditions, such as text=3 "
        "metadata=1.5; as in the run when absent")  # fmt: skip
    add("--seed", type=int, default=1, help="another one gives other pairs; that of the run is its own")
    add("--formats", nargs="+", default=["geotiff"], help="as export.formats")
    add("--configfile", type=Path, nargs="+", action="extend", help="of the run, as given to snakemake")
    return shown


def numbers(words: Sequence[str], option: str, names: Sequence[str]) -> dict[str, str]:
    """Values by name of words such as 'water=0.3'.

    Raises:
        InputError: a word is none, is there twice, or has another name.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.rpartition("=")
        if not equals or name not in names or name in found:
            remedy = f"Write NAME=VALUE, each name once, of {', '.join(names)}"
            raise InputError(option, f"'{word}' is not that", remedy)
        found[name] = value
    return found


def heard(config: Config, name: str, wish: Mapping[str, str]) -> None:
    """Refuse to tell a generator what it never learned: nothing would follow from it.

    Raises:
        InputError: neither its masks nor its images were trained with metadata.
    """
    sections = [config.section(s, name).model_dump() for s in ("label_train", "image_train")]
    if wish and not any(s["metadata"] for s in sections):
        remedy = "Train one with image_train.metadata: {} or label_train.metadata: {}"
        raise InputError("--tell", f"'{name}' has not learned metadata", remedy)


def asked(
    raw: Mapping[str, Any], name: str, given: argparse.Namespace, wish: Mapping[str, str]
) -> dict[str, Any]:
    """The run's config with one generator, and what is asked of it."""
    config = load(raw)
    own = merge({}, config.generators[name])
    goals = own.pop("plan", {})
    wanted: dict[str, Any] = merge(dict(raw).get("plan") or {}, goals) | {"count": given.count, "shards": 1}
    names = [c.name for c in config.data.classes]
    row = {k: share(k, v) for k, v in numbers(given.ratios, "--ratios", names).items()}
    if row and given.table:
        raise InputError("--table", "is given beside --ratios", "Give one of them")
    if row:
        mix = {"goal": "table", "table": [row], "partial": len(row) < len(names)}
        wanted["mixes"] = {"asked": mix}
    if given.table:
        wanted["mixes"] = {"asked": {"goal": "table", "file": given.table, "partial": True}}
    told = {"metadata": dict(wish)} if wish else {}
    own = merge(own, {"label_sample": told}) if told else own
    if scales := numbers(given.guidance, "--guidance", ["text", *sorted(hints(config, name))]):
        own = merge(own, {"image_sample": {"guidance": {k: share(k, v) for k, v in scales.items()}}})
    changed = {"seed": given.seed, "plan": wanted, "generators": {name: own}}
    return dict(raw) | changed | {"export": {"formats": given.formats, "license": config.export.license}}


def hints(config: Config, name: str) -> set[str]:
    """Conditions beside words that a generator's images were trained with."""
    from landloom.conditions.registry import CONDITIONS

    section = config.section("image_train", name).model_dump()
    return {condition for condition in CONDITIONS if section.get(condition)}


def share(name: str, text: str) -> float:
    """A number of the command line.

    Raises:
        InputError: it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise InputError(name, f"'{text}' is not a number", "Write it like 0.3") from None


def made(dag: Dag, config: Config, name: str, out: Path, work: Path) -> int:
    """Plan, sample and export in a folder of work; returns the number of pairs."""
    root = Path("results") / config.dataset
    where = SimpleNamespace(dataset=config.dataset, generator=name, get={"dataset": config.dataset}.get)
    tiles = [root / f"tiles/{part}.parquet" for part in dag.parts]
    captions = [Path(p) for p in dag.bank(where)]
    masks_by, images_by = (paths(f(where)) for f in (dag.trained.label_models, dag.trained.image_models))
    models = [p for found in (masks_by, images_by) for ps in found.values() for p in ps]
    statistics, ratios = root / "statistics.json", root / "ratios.parquet"
    present([statistics, ratios, *tiles, *captions, *models])
    table, masks, pairs, second = (work / n for n in ("plan", "masks", "pairs", "resamples"))
    words = Words(**config.caption.model_dump(include=set(Words.model_fields)))
    goals, drawing, painting = config.plan_of(name), *(config.section(s, name) for s in SAMPLING)
    assert isinstance(drawing, LabelSampleConfig)
    assert isinstance(painting, ImageSampleConfig)
    plan.run(goals, words, config.seed, statistics, ratios, table, captions or None)
    # Named after the seed, too, so that ids are not those of the run or of another call.
    source = f"{name}-{config.seed}"
    label_sample.run(drawing, source, 0, statistics, table, tiles, masks, **single(masks_by))
    once = painting.model_copy(update={"resamples": 0})
    image_sample.run(once, statistics, masks, pairs, second, **single(images_by))
    export.run(config.export, config.dataset, statistics, [pairs], out)
    return len(samples.columns([pairs], ["id"])["id"])


def single(options: Mapping[str, list[Path]]) -> dict[str, Any]:
    """Files as a stage takes them: one each, but all tiles."""
    return {name: found if name == "tiles" else found[0] for name, found in options.items()}


def paths(options: Mapping[str, list[str]]) -> dict[str, list[Path]]:
    """The files of each option."""
    return {name: [Path(p) for p in found] for name, found in options.items()}


def present(needed: Sequence[Path]) -> None:
    """Make sure that the run has what sampling needs.

    Raises:
        InputError: it lacks something.
    """
    if gone := [p for p in needed if not p.exists()]:
        more = f" (and {len(gone) - 1} more)" if len(gone) > 1 else ""
        remedy = "Run it in the folder of a finished run, with its --configfile"
        raise InputError(gone[0], f"is not there{more}", remedy)
