"""Varies a text: words are left out, neighbours change places.

References
----------
.. [1] Wei, J. and Zou, K. (2019). EDA: Easy data augmentation techniques for boosting performance on text classification
   tasks. EMNLP: random deletion and random swap.
"""

from __future__ import annotations

import numpy as np


def drop_words(text: str, share: float, rng: np.random.Generator) -> str:
    """Leave out each word with the chance `share`; one word stays in any case.

    Examples
    --------
    >>> drop_words("see you at home later", 0.5, np.random.default_rng(1))
    'see you home'
    """
    words = text.split()
    kept = [word for word, stays in zip(words, rng.random(len(words)) >= share, strict=True) if stays]
    return " ".join(kept or words[:1])


def swap_words(text: str, share: float, rng: np.random.Generator) -> str:
    """Let each word change places with the next with the chance `share`.

    Examples
    --------
    >>> swap_words("see you at home later", 0.5, np.random.default_rng(1))
    'see you home at later'
    """
    words = text.split()
    for place in np.flatnonzero(rng.random(max(0, len(words) - 1)) < share):
        words[place], words[place + 1] = words[place + 1], words[place]
    return " ".join(words)
