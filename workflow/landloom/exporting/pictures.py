"""PNG files of a sample, for tools that read no more than three bands of eight bits."""

import numpy as np

from landloom.data.samples import Sample
from landloom.exporting.collection import Collection
from landloom.raster import codec


def picture(collection: Collection, sample: Sample) -> bytes:
    """A natural-colour picture."""
    return codec.encode(np.moveaxis(collection.statistics.preview(sample.image_array()), -1, 0))


def mask(sample: Sample) -> bytes:
    """The mask as class indices, 255 where ignored."""
    return codec.encode(sample.mask_array())
