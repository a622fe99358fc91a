"""The pixels of a PNG file, with nothing but zlib and NumPy.

References
----------
.. [1] W3C, Portable Network Graphics (PNG) Specification, 9 "Filtering" and 11.2.2 "IHDR".
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from headrace.ml.arrays import Floats, Ints
from headrace.ml.files.image_file import PNG, png_chunks

Bytes = NDArray[np.uint8]

MOST_PIXELS = 2**18
"""Width times height of what is decoded: a tenth of a second."""

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PALETTE, _WITH_ALPHA = 3, (4, 6)
_SUB, _UP, _AVERAGE, _PAETH = 1, 2, 3, 4
_LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in brightness, by ITU-R BT.601."""
_WHITE = 255.0
_COLOURS = 3


def brightness(data: bytes) -> float | None:
    r"""Return the mean brightness of a picture, from 0, black, to 1, white; transparent points are white.

    Parameters
    ----------
    data : bytes
        An image file.

    Returns
    -------
    float or None
        None if it is not a PNG file with 8 bits to a channel, is interlaced, damaged, or larger than 2^18 pixels.

    Examples
    --------
    >>> brightness(b"\xff\xd8\xff\xe0 a photograph")
    """
    if not data.startswith(PNG):
        return None
    try:
        return _brightness(list(png_chunks(data)))
    except (ValueError, IndexError, KeyError, struct.error, zlib.error):
        return None


def _brightness(chunks: list[tuple[bytes, bytes]]) -> float | None:
    width, height, depth, colour, *_, interlaced = struct.unpack(">LLBBBBB", chunks[0][1])
    if depth != 8 or interlaced or not 0 < width * height <= MOST_PIXELS:  # noqa: PLR2004 - bits
        return None
    channels = _CHANNELS[colour]
    packed = b"".join(chunk for name, chunk in chunks if name == b"IDAT")
    raw = zlib.decompressobj().decompress(packed, height * (1 + width * channels))
    rows = np.frombuffer(raw, dtype=np.uint8).reshape(height, 1 + width * channels)
    pixels = unfiltered(rows[:, 0], rows[:, 1:].reshape(height, width, channels))
    if colour == _PALETTE:
        palette = next(chunk for name, chunk in chunks if name == b"PLTE")
        pixels = np.frombuffer(palette, dtype=np.uint8).reshape(-1, _COLOURS).astype(np.int64)[pixels[..., 0]]
    return float(_grey(pixels, colour).mean() / _WHITE)


def _grey(pixels: Ints, colour: int) -> Floats:
    opaque = pixels[..., -1] / _WHITE if colour in _WITH_ALPHA else 1.0
    grey = (
        pixels[..., :_COLOURS] @ _LUMA if pixels.shape[-1] >= _COLOURS else pixels[..., 0].astype(np.float64)
    )
    return np.asarray(grey * opaque + _WHITE * (1.0 - opaque))


def unfiltered(filters: Bytes, coded: Bytes) -> Ints:
    """Return the bytes that PNG's filters have coded as differences to their neighbours.

    A byte needs those to its left and above, so those on one diagonal do not need each other, and are computed together.

    Parameters
    ----------
    filters : ndarray of shape (height,)
        The filter of each row, 0 to 4.
    coded : ndarray of shape (height, width, channels)
        Differences, modulo 256.
    """
    height, width, channels = coded.shape
    known = np.zeros((height + 1, width + 1, channels), dtype=np.int64)
    for diagonal in range(height + width - 1):
        y = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        x = diagonal - y
        left, up, corner = known[y + 1, x], known[y, x + 1], known[y, x]
        kind = filters[y][:, None]
        predicted = np.select(
            [kind == _SUB, kind == _UP, kind == _AVERAGE, kind == _PAETH],
            [left, up, (left + up) // 2, _paeth(left, up, corner)],
            0,
        )
        known[y + 1, x + 1] = (coded[y, x] + predicted) & 255
    return known[1:, 1:]


def _paeth(left: Ints, up: Ints, corner: Ints) -> Ints:
    """Return the neighbour that is nearest to left + up - corner; of equally near ones the first."""
    estimate = left + up - corner
    far = [np.abs(estimate - each) for each in (left, up, corner)]
    nearest_left = (far[0] <= far[1]) & (far[0] <= far[2])
    return np.where(nearest_left, left, np.where(far[1] <= far[2], up, corner))
