"""Words for the tiles of a scene: the caption of each image and the prompt of each mask."""

import json
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from landloom.captioning import tokens
from landloom.captioning.backend import Answer, Captioner
from landloom.captioning.store import Store
from landloom.captioning.summary import line, summarise
from landloom.captioning.writing import Caption, Writer
from landloom.conditions.words import image_caption, mask_prompt
from landloom.config.base import BaseConfig
from landloom.config.caption import CaptionConfig
from landloom.data import samples
from landloom.data.statistics import Statistics
from landloom.runtime.command_line import In, Out, State
from landloom.runtime.signals import StopRequest

VERSION = 3


def run(
    config: CaptionConfig, statistics: In, tiles: In, state: State, out: Out, summary: Out,
    base: BaseConfig | None = None,
) -> None:  # fmt: skip
    """Write a table with id, caption (of the image) and prompt (of the mask), and a summary of the captions.

    ``base`` is the base whose tokenizer counts tokens; without it they are estimated.
    """
    dataset = Statistics.load(statistics)
    found = samples.columns([tiles], ["id", "ratios"])
    count, counter = tokens.counter(base)
    store, model = None, ""
    if config.backend == "template":
        made = by_template(config, dataset, found)
    else:
        captioner = make(config)
        path = answers(config, dataset, tiles, state)
        store, model = Store(path, sorted(path.parent.glob("*.jsonl"))), captioner.identity
        with StopRequest() as stop, closing(captioner):
            writer = Writer(config, dataset, captioner, store, count, lambda: stop.asked)
            made = list(writer.write(samples.read(tiles)))
    columns = {
        "id": found["id"],
        "caption": [c.text for c in made],
        "prompt": [mask_prompt(r, dataset.names, config) if r else "" for r in found["ratios"]],
    }
    schema = pa.schema([(name, pa.string()) for name in columns])
    pq.write_table(pa.table(columns, schema=schema), out)
    known: Mapping[str, Answer] = store.answers if store else {}
    body = summarise(made, known, config, model, count, counter)
    summary.write_text(json.dumps(body, indent=1, allow_nan=False) + "\n")
    print(f"caption: {line(body, store.new if store else 0)}", file=sys.stderr)


def by_template(config: CaptionConfig, dataset: Statistics, found: dict[str, list[Any]]) -> list[Caption]:
    """Captions from class shares alone; no image is read. Without shares there is nothing to say."""
    rows = zip(found["id"], found["ratios"], strict=True)
    return [Caption(i, image_caption(r, dataset.names, config) if r else "", "template") for i, r in rows]


def answers(config: CaptionConfig, dataset: Statistics, tiles: Path, state: Path) -> Path:
    """Where the answers of a shard are kept: beside the fingerprints, for they outlive a changed setting."""
    folder = Path(config.cache) / dataset.name if config.cache else state.parent
    return folder / f"{tiles.stem}.jsonl"


def make(config: CaptionConfig) -> Captioner:
    """The model that the config names; only its own module is imported."""
    if config.backend == "qwen_vl":
        from landloom.captioning.qwen_vl import QwenVl

        return QwenVl(config)
    from landloom.captioning.endpoint import Endpoint

    return Endpoint(config)
