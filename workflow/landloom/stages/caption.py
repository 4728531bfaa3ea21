"""Words for the tiles of a scene: the caption of each image and the prompt of each mask."""

import pyarrow as pa
import pyarrow.parquet as pq

from landloom import samples
from landloom.conditions.text import image_caption, mask_prompt
from landloom.config.caption import CaptionConfig
from landloom.dataset import Dataset
from landloom.stage import In, Out

VERSION = 1


def run(config: CaptionConfig, card: In, tiles: In, out: Out) -> None:
    """Write a table with id, caption (of the image) and prompt (of the mask)."""
    names = Dataset.load(card).names
    found = samples.columns([tiles], ["id", "ratios"])
    columns = {
        "id": found["id"],
        "caption": [image_caption(r, names, config) for r in found["ratios"]],
        "prompt": [mask_prompt(r, names, config) for r in found["ratios"]],
    }
    schema = pa.schema([(name, pa.string()) for name in columns])
    pq.write_table(pa.table(columns, schema=schema), out)
