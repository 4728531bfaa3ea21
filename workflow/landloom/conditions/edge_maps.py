"""How strong the edge is at each pixel of an image, by three ways of finding edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_gradient_magnitude

from landloom.conditions import hed
from landloom.data.statistics import scale
from landloom.errors import InputError

UNKNOWN = 255
STEPS = 254
"""An edge as strong as can be; 0 is none."""


@dataclass(frozen=True)
class Finder:
    """Finds edges in images of one dataset.

    Attributes:
        kind: how.
        sigma: width of the Gaussian that smooths the image first, in pixels.
        weights: of the network.
        low: value of each band (C,), in the image's own units, that becomes -1.
        high: value of each band (C,) that becomes 1.
        rgb: bands that make a picture, from 0: three, or one.
    """

    kind: Literal["gradient", "canny", "hed"]
    sigma: float
    weights: str | None
    low: Sequence[float]
    high: Sequence[float]
    rgb: Sequence[int]

    def __call__(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        """Strength (H, W) in steps of 1/254 of an image (C, H, W); 255 where the image holds no data.

        Raises:
            InputError: a package or file that it needs is not there.
        """
        known = np.isfinite(image).all(0)
        scaled = np.where(known, scale(image, self.low, self.high), 0).astype(np.float64)
        picture = scaled[[*self.rgb]] if len(self.rgb) == 3 else scaled[[self.rgb[0]] * 3]
        if self.kind == "gradient":
            found = gradient(scaled, self.sigma)
        elif self.kind == "canny":
            found = canny(picture, known, self.sigma)
        else:
            found = network(picture, str(self.weights))
        steps = np.rint(np.round(np.clip(found, 0, 1) * STEPS, 6)).astype(np.uint8)
        return np.where(known, steps, np.uint8(UNKNOWN))


def gradient(scaled: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Steepness (H, W) of an image (C, H, W) in [-1, 1]: 1 at a border between the limits of a band.

    It is the magnitude of the gradient of the smoothed image, of the band in which it is greatest. In double
    precision, where a turned image has turned edges.
    """
    # A step from -1 to 1, smoothed, is steepest at the step: twice the height of the Gaussian.
    steepest = 2 / (sigma * np.sqrt(2 * np.pi))
    return np.asarray(np.max([gaussian_gradient_magnitude(band, sigma) for band in scaled], 0) / steepest)


def canny(picture: NDArray[np.float64], known: NDArray[np.bool_], sigma: float) -> NDArray[np.float64]:
    """Lines (H, W), 1 on them and 0 elsewhere, of a picture (3, H, W) in [-1, 1] (Canny 1986).

    Raises:
        InputError: scikit-image is not installed.
    """
    try:
        from skimage.feature import canny as lines
    except ImportError:
        remedy = "pip install 'landloom[edges]', or take edges.kind 'gradient'"
        raise InputError("edges.kind: canny", "scikit-image is not installed", remedy) from None
    grey = (picture.mean(0) + 1) / 2
    return np.asarray(lines(grey, sigma, 0.1, 0.2, mask=known), np.float64)


def network(picture: NDArray[np.float64], weights: str) -> NDArray[np.float64]:
    """Probability of an edge (H, W) in a picture (3, H, W) in [-1, 1], by HED."""
    values = torch.from_numpy((picture + 1) * 127.5).float()[None]
    with torch.no_grad():
        return np.asarray(hed.load(Path(weights))(values)[0].double().numpy())
