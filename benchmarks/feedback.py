"""Gain and cost of the judge's feedback: ``python benchmarks/feedback.py results/mine landloom``.

For a ControlNet that denoises; give ``--strength`` as it was sampled with.

The same masks, captions and seeds are painted without feedback and with it. The network that steers and
another one, trained on real tiles from another seed, each say how far image and mask agree. Only the other
one's answer is news.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from torch import nn

from landloom.config.image_sample import CollageConfig, Feedback, ImageSampleConfig
from landloom.data import samples
from landloom.data.statistics import Statistics
from landloom.metrics import extractors, fidelity
from landloom.segmentation import networks, predict, scores
from landloom.stages import image_sample
from landloom.stages.evaluate import pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("generator")
    parser.add_argument("--count", type=int, default=96)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--guidance", type=float, default=1.5)
    parser.add_argument(
        "--strength", type=float, default=1.0, help="of the noise on collages; 1: no collages"
    )
    parser.add_argument("--weights", type=float, nargs="+", default=[0.02, 0.05, 0.1])
    given = parser.parse_args()
    root, dataset = given.root, Statistics.load(given.root / "statistics.json")
    steering, other = sorted(root.glob("segment/real/0/*/*/model"))[:2]
    judges = {"agreement, steering": networks.load(steering), "another": networks.load(other)}
    tiles = sorted((root / "tiles").glob("*.parquet"))
    extractor = extractors.load("efficientnet_lite0", None)
    real = extractors.features(extractor, pictures(dataset, tiles, "train", given.count), 32)
    with tempfile.TemporaryDirectory() as name:
        masks, out = Path(name) / "masks.parquet", Path(name) / "pairs.parquet"
        rows = samples.rows([source := root / given.generator / "masks/0.parquet"], "train")[: given.count]
        samples.write(masks, samples.pick([source], rows), samples.metadata(source))
        for weight in (0.0, *given.weights):
            config = ImageSampleConfig(
                steps=given.steps, guidance=given.guidance, resamples=0, feedback=Feedback(weight=weight),
                collage=CollageConfig(strength=given.strength),
            )  # fmt: skip
            begin = time.perf_counter()
            image_sample.run(
                config, root / "statistics.json", masks, out, Path(name) / "resamples.parquet",
                root / "base", root / given.generator / "image", judge=steering.parent, tiles=tiles,
            )  # fmt: skip
            seconds = time.perf_counter() - begin
            found = [f"{k} {agreement(j, dataset, out):.3f}" for k, j in judges.items()]
            made = extractors.features(extractor, pictures(dataset, [out], "train", given.count), 32)
            fid = fidelity.compare(real, made).fid
            print(
                f"weight {weight:<5g} {seconds:6.1f} s  mIoU: {', '.join(found)}  FID {fid:.1f}", flush=True
            )


def agreement(judge: nn.Module, dataset: Statistics, pairs: Path) -> float:
    """MIoU between masks and what a network sees in their images."""
    total = np.zeros((len(dataset.classes),) * 2, np.int64)
    for sample, seen in predict.labels(judge, dataset, samples.read([pairs])):
        total += scores.confusion(sample.mask_array(), seen, len(dataset.classes))
    return scores.mean(scores.iou(total))


if __name__ == "__main__":
    main()
