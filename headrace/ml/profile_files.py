"""What is measured of texts and images beside their length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.files.image_file import image_size
from headrace.ml.files.png_pixels import brightness
from headrace.ml.profile_levels import most_frequent

WORDS, BEYOND_ASCII, FREQUENT = "words", "characters beyond ASCII", "frequent words"

_TEXTS_FOR_VOCABULARY = 20_000
_IMAGES_FOR_BRIGHTNESS = 32
"""A tenth of a second each, at most."""


def frequent_words(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the 200 most frequent words of texts, or of 20,000 of them, evenly spread."""
    counts: Counter[str] = Counter()
    for text in texts[:: max(1, len(texts) // _TEXTS_FOR_VOCABULARY)]:
        counts.update(text.lower().split())
    return most_frequent(counts)


def text_measures(texts: Sequence[str], vocabulary: Sequence[str]) -> dict[str, Floats]:
    """Return what is measured of each text.

    Parameters
    ----------
    texts : sequence of str of length n
        Present texts.
    vocabulary : sequence of str
        The most frequent words of the reference.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        The number of words; the share of characters beyond ASCII, 0 to 1; the share of words in the vocabulary, 0 to 1,
        NaN for a text without words.

    Examples
    --------
    >>> measured = text_measures(["win a prize", "grüße"], ["a", "the"])
    >>> {name: values.round(2).tolist() for name, values in measured.items()}
    {'words': [3.0, 1.0], 'characters beyond ASCII': [0.0, 0.4], 'frequent words': [0.33, 0.0]}
    """
    known = frozenset(vocabulary)
    rows = np.array([_text_figures(text, known) for text in texts], dtype=np.float64).reshape(len(texts), 3)
    return dict(zip((WORDS, BEYOND_ASCII, FREQUENT), rows.T, strict=True))


def needs_same_words(measure: str) -> bool:
    """Tell whether the measure of that name can be compared only where the vocabulary was the same.

    Examples
    --------
    >>> needs_same_words("message (frequent words)"), needs_same_words("message (words)")
    (True, False)
    """
    return measure.endswith(f"({FREQUENT})")


def _text_figures(text: str, known: frozenset[str]) -> tuple[float, float, float]:
    words = text.lower().split()
    ascii_characters = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    return (
        len(words),
        1.0 - ascii_characters / len(text) if text else 0.0,
        sum(word in known for word in words) / len(words) if words else np.nan,
    )


def image_measures(files: Sequence[bytes]) -> dict[str, Floats]:
    """Return width and height of each image file in pixels, and the brightness, 0 to 1, of some, evenly spread.

    Brightness is that of PNG files: what decodes JPEG is not at hand where traffic is profiled.
    """
    sizes = [image_size(file) or (np.nan, np.nan) for file in files]
    width, height = np.array(sizes, dtype=np.float64).reshape(len(files), 2).T
    some = files[:: -(-len(files) // _IMAGES_FOR_BRIGHTNESS) or 1]
    measured = [value for file in some if (value := brightness(file)) is not None]
    return {"width": width, "height": height, "brightness": np.array(measured, dtype=np.float64)}
