"""Varies a picture: mirrored, cut, lighter or darker, of another colour.

References
----------
.. [1] Shorten, C. and Khoshgoftaar, T. M. (2019). A survey on image data augmentation for deep learning. Journal of Big Data 6.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from headrace.ml.arrays import Floats

_WHITE = 255


def flip_at_random(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Mirror a picture, left to right, every other time."""
    return ImageOps.mirror(image) if rng.random() < 0.5 else image  # noqa: PLR2004 - a coin


def crop_at_random(image: Image.Image, share: float, rng: np.random.Generator) -> Image.Image:
    """Cut off up to `share` of width and height, at either side, and bring what is left to the size it had."""
    width, height = image.size
    cut_x, cut_y = (rng.random(2) * share * image.size).astype(int)
    left, top = int(rng.integers(0, cut_x + 1)), int(rng.integers(0, cut_y + 1))
    box = (left, top, left + max(1, width - int(cut_x)), top + max(1, height - int(cut_y)))
    return image.resize((width, height), Image.Resampling.BILINEAR, box=box)


def brighten_at_random(image: Image.Image, share: float, rng: np.random.Generator) -> Image.Image:
    """Make all points lighter or darker by up to `share` of their brightness."""
    return _scaled(image, np.full(3, 1 + rng.uniform(-share, share)))


def colour_at_random(image: Image.Image, share: float, rng: np.random.Generator) -> Image.Image:
    """Make red, green and blue stronger or weaker, each by up to `share`."""
    return _scaled(image, 1 + rng.uniform(-share, share, 3))


def _scaled(image: Image.Image, factors: Floats) -> Image.Image:
    points = np.asarray(image, dtype=np.float64) * factors
    return Image.fromarray(np.clip(points, 0, _WHITE).round().astype(np.uint8))
