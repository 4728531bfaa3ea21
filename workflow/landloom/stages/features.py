"""Features of a shard's train tiles, computed once: every curate job compares its images with them."""

from landloom.config.features import FeaturesConfig
from landloom.data import samples
from landloom.data.statistics import Statistics
from landloom.metrics import extractors
from landloom.metrics.known import Known
from landloom.runtime.command_line import In, Out

VERSION = 1


def run(config: FeaturesConfig, statistics: In, tiles: In, out: Out) -> None:
    """Write the features, with the tiles' names, as safetensors.

    Raises:
        InputError: the extractor is missing.
    """
    dataset = Statistics.load(statistics)
    extractor = extractors.load(config.extractor, config.weights)
    pictures = (dataset.preview(s.image_array()) for s in samples.read(tiles, split="train"))
    found = extractors.features(extractor, pictures, config.batch)
    Known(found, [s.id for s in samples.read(tiles, split="train")]).save(out)
