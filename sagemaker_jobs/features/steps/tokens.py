"""Writes a text as numbers of its words, in a fixed number of columns: what a network reads. Nothing is learned.

References
----------
.. [1] Joulin, A. et al. (2017). Bag of tricks for efficient text classification. EACL: runs of words in hashed buckets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from sklearn.utils import murmurhash3_32

from headrace.ml.arrays import Floats
from sagemaker_jobs.features.registry import feature_step
from sagemaker_jobs.features.step import READY, Feature, Features, Step

_WORD = re.compile(r"\w+|[^\w\s]")


@feature_step("tokens")
class Tokens(Step):
    """Gives each run of words a number from 1 on, by its hash; 0 follows the last run.

    Signs count as words, and case does not matter. All single words come first, then all pairs, and so on; what is beyond `length`
    is left out.

    Parameters
    ----------
    length : int
        Numbers for each text.
    ngrams : (int, int)
        Shortest and longest run, in words.
    buckets : int
        How many numbers there are, with 0.
    """

    takes = ("text",)

    def __init__(self, length: int = 200, ngrams: Sequence[int] = (1, 2), buckets: int = 2**15) -> None:
        self.length = length
        self.ngrams = ngrams
        self.buckets = buckets

    def transform(self, features: Features) -> Features:
        """Return a block of `length` numbers for each text; zeros where there is none."""
        return {
            name: Feature(READY, np.vstack([self._numbers(text or "") for text in values]))
            for name, (_, values) in features.items()
        }

    def _numbers(self, text: str) -> Floats:
        words = _WORD.findall(text.lower())
        shortest, longest = self.ngrams
        numbers = np.zeros(self.length)
        place = 0
        for size in range(shortest, longest + 1):
            for start in range(min(len(words) - size + 1, self.length - place)):
                run = " ".join(words[start : start + size])
                numbers[place] = 1 + murmurhash3_32(run, positive=True) % (self.buckets - 1)
                place += 1
        return numbers
