"""Weighs the words of a text by how rare they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from sklearn.feature_extraction.text import TfidfVectorizer

from headrace.ml.arrays import Floats
from sagemaker_jobs.features.registry import feature_step
from sagemaker_jobs.features.step import Features, Target
from sagemaker_jobs.features.text import ANALYZERS, TextStep


@feature_step("tfidf")
class Tfidf(TextStep):
    """Writes (1 + ln count) · idf of each run of words or characters, each row brought to length 1.

    Parameters
    ----------
    analyzer : {"word", "char"}
        What a run is of.
    ngrams : (int, int)
        Shortest and longest run.
    max_features : int
        The most frequent runs that are told apart.
    min_rows : int
        Runs in fewer rows are left out.
    components : int or None
        Condense to so many numbers; 0 or None for none.
    seed : int
        Of the condensing.

    Attributes
    ----------
    runs_ : dict of str to str
        By column, one on each line; one text is stored a hundred times faster than a list of them.
    weights_ : dict of str to ndarray
        By column, the idf of each run.
    """

    def __init__(
        self,
        analyzer: str = "word",
        ngrams: Sequence[int] = (1, 2),
        max_features: int = 50_000,
        min_rows: int = 2,
        components: int | None = None,
        seed: int = 0,
    ) -> None:
        self.analyzer = analyzer
        self.ngrams = ngrams
        self.max_features = max_features
        self.min_rows = min_rows
        self.components = components
        self.seed = seed

    def vectorizer(self, name: str | None = None) -> TfidfVectorizer:
        """Return a vectorizer to be fitted, or with the name of a column the one that was."""
        vectorizer = TfidfVectorizer(
            analyzer=ANALYZERS[self.analyzer],
            ngram_range=tuple(self.ngrams),
            max_features=self.max_features,
            min_df=self.min_rows,
            sublinear_tf=True,
            vocabulary=self.runs_[name].split("\n") if name else None,
        )
        if name:
            vectorizer.idf_ = self.weights_[name]
        return vectorizer

    def remember(self, name: str, vectorizer: TfidfVectorizer) -> None:
        """Keep runs and weights."""
        self.runs_[name] = "\n".join(vectorizer.get_feature_names_out())
        self.weights_[name] = vectorizer.idf_

    def fit(self, features: Features, target: Target | None = None) -> Self:
        """Learn the runs and how rare they are."""
        self.runs_: dict[str, str] = {}
        self.weights_: dict[str, Floats] = {}
        return super().fit(features, target)
