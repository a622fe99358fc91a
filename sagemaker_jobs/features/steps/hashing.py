"""Counts the words of a text in a fixed number of buckets: nothing is learned, so memory does not grow with the rows.

References
----------
.. [1] Weinberger, K. et al. (2009). Feature hashing for large scale multitask learning. ICML.
"""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.feature_extraction.text import HashingVectorizer

from sagemaker_jobs.features.registry import feature_step
from sagemaker_jobs.features.text import ANALYZERS, TextStep


@feature_step("hashing")
class Hashing(TextStep):
    """Writes how often the runs of a bucket occur, with a sign by hash, each row brought to length 1.

    Parameters
    ----------
    analyzer : {"word", "char"}
        What a run is of.
    ngrams : (int, int)
        Shortest and longest run.
    buckets : int
        How many buckets.
    components : int or None
        Condense to so many numbers; 0 or None for none.
    seed : int
        Of the condensing.
    """

    def __init__(
        self,
        analyzer: str = "word",
        ngrams: Sequence[int] = (1, 2),
        buckets: int = 2**18,
        components: int | None = None,
        seed: int = 0,
    ) -> None:
        self.analyzer = analyzer
        self.ngrams = ngrams
        self.buckets = buckets
        self.components = components
        self.seed = seed

    def vectorizer(self, name: str | None = None) -> HashingVectorizer:
        """Return a vectorizer, which has nothing to learn."""
        return HashingVectorizer(
            analyzer=ANALYZERS[self.analyzer], ngram_range=tuple(self.ngrams), n_features=self.buckets
        )
