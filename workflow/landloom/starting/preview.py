"""A page with a few tiles, their masks in the colours of the classes, and what the masks hold."""

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landloom.config import Config
from landloom.errors import InputError
from landloom.raster import png
from landloom.raster.labels import IGNORE
from landloom.raster.palette import rgb
from landloom.raster.reader import SceneReader
from landloom.raster.windows import Window
from landloom.scenes.discovery import SceneFiles, discover
from landloom.starting.legend import REST_COLOR, Legend

SCENES = 8
"""Scenes of which a part is shown."""
SIDE = 256
"""Of that part, in pixels."""
PAGE = """<!doctype html><meta charset="utf-8"><title>{name}</title>
<style>body{{font:15px sans-serif;margin:2em;max-width:70em}}td,th{{padding:.2em .8em;text-align:left}}
i{{display:inline-block;width:1em;height:1em;border:1px solid #888}}figure{{display:inline-block;margin:.5em}}
img{{width:256px;image-rendering:pixelated}}</style>
<h1>{name}</h1><p>What <code>landloom init</code> found and assumed. Change what is wrong in the config.</p>
<ul>{said}</ul>
<table><tr><th><th>class<th>mask value<th>pixels counted<th>share</tr>{rows}</table>
<h2>Parts of scenes</h2><p>Image and mask; pixels without a class are white.</p>{tiles}
"""


def page(config: Config, legend: Legend, said: Sequence[str]) -> str:
    """The page, with its pictures inside."""
    scenes = discover(config.data)
    some = scenes[:: max(1, -(-len(scenes) // SCENES))]
    return PAGE.format(
        name=escape(config.dataset),
        said="".join(f"<li>{escape(line)}</li>" for line in said),
        rows="".join(_rows(legend)),
        tiles="".join(_tile(s, config) for s in some),
    )


def _rows(legend: Legend) -> list[str]:
    named = [(v, escape(n), legend.colors[v]) for v, n in legend.names.items()]
    named += [(legend.rest, f"{escape(legend.rest)}, <em>the rest</em>", REST_COLOR)] if legend.rest else []
    named += [(v, "<em>ignored</em>", "#ffffff") for v in legend.ignore]
    return [
        f'<tr><td><i style="background:{color}"></i><td>{name}<td>{value}<td>{legend.pixels.get(value, 0):,}'
        f"<td>{100 * legend.share(value):.3g} %</tr>"
        for value, name, color in named
    ]


def _tile(scene: SceneFiles, config: Config) -> str:
    """The part of a scene that shows most classes, of a few; why it cannot be read, if so."""
    try:
        with SceneReader(scene, config.data) as reader:
            side = min(SIDE, reader.height, reader.width)
            places = {
                Window(int(r * (reader.height - side)), int(c * (reader.width - side)), side, side)
                for r in (0, 0.5, 1)
                for c in (0, 0.5, 1)
            }
            found = [reader.read(p) for p in sorted(places)]
    except InputError as error:
        return f"<p>{escape(str(error))}</p>"
    image, valid, mask = max(found, key=lambda f: len(np.unique(f[2][f[2] != IGNORE])))
    bands = [b - 1 for b in config.data.picture(len(image))]
    picture = _picture(image[[*bands, *bands, *bands][:3] if len(bands) == 1 else bands], valid)
    painted = rgb(mask, [c.color for c in config.data.classes])
    return f"<figure>{_img(picture)} {_img(painted)}<figcaption>{escape(scene.name)}</figcaption></figure>"


def _picture(image: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Bands (3, H, W) stretched between percentiles, (H, W, 3); white without data."""
    shown = image.astype(np.float64)
    kept = shown[:, valid] if valid.any() else np.zeros((len(shown), 1))
    low, high = np.percentile(kept, (1, 99), axis=1)
    scale = np.where(high > low, high - low, 1)
    stretched = (shown - low[:, None, None]) / scale[:, None, None]
    stretched[:, ~valid] = 1
    return np.moveaxis(np.clip(255 * stretched, 0, 255), 0, -1).astype(np.uint8)


def _img(picture: NDArray[np.uint8]) -> str:
    data = base64.b64encode(png.encode(np.ascontiguousarray(np.moveaxis(picture, -1, 0)))).decode()
    return f'<img src="data:image/png;base64,{data}">'
