"""Makes numbers of a picture: the brightness of its points."""

from __future__ import annotations

import numpy as np
from PIL import Image

from headrace.ml.arrays import Floats
from sagemaker_jobs.features.pictures import open_picture
from sagemaker_jobs.features.registry import feature_step
from sagemaker_jobs.features.step import READY, Feature, Features, Step

_WHITE = 255.0


@feature_step("pixels")
class Pixels(Step):
    """Brings each picture to one size and writes its points row by row, 0 for black to 1 for white.

    Parameters
    ----------
    size : int
        Width and height, in points; proportions are not kept.
    colour : {"grey", "rgb"}
        One number for each point, or three.
    """

    takes = ("image",)

    def __init__(self, size: int = 16, colour: str = "grey") -> None:
        self.size = size
        self.colour = colour

    def transform(self, features: Features) -> Features:
        """Return a block of size² or 3 · size² numbers; NaN where there is no picture, or it cannot be read."""
        return {
            name: Feature(READY, np.vstack([self._points(data) for data in values]))
            for name, (_, values) in features.items()
        }

    def _points(self, data: bytes | None) -> Floats:
        image = None if data is None else open_picture(data, self.colour)
        if image is None:
            return np.full(self.size**2 * (1 if self.colour == "grey" else 3), np.nan)
        small = image.resize((self.size, self.size), Image.Resampling.BILINEAR, reducing_gap=3.0)
        return np.asarray(small, dtype=np.float64).ravel() / _WHITE
