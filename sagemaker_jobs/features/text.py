"""What the text steps share: texts to a sparse matrix, and on request to few numbers."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD

from headrace.ml.arrays import Labels
from sagemaker_jobs.features.step import READY, Feature, Features, Step, Target

ANALYZERS = {"word": "word", "char": "char_wb"}
"""scikit-learn's names of the two ways to cut a text; runs of characters stay within words."""


class TextStep(Step):
    """Makes a sparse block of each text, or with `components` a dense one of so many numbers.

    Attributes
    ----------
    counted_ : list of str
        Columns in which training found something to count; others become 0.
    condensers_ : dict of str to TruncatedSVD
        By column; none where the text has no more runs than components.
    """

    takes: ClassVar[tuple[str, ...]] = ("text",)
    components: int | None
    seed: int

    def vectorizer(self, name: str | None = None) -> Any:
        """Return a vectorizer to be fitted, or with the name of a column the one that was."""
        raise NotImplementedError

    def remember(self, name: str, vectorizer: Any) -> None:
        """Keep what the vectorizer of a column has learned."""

    def fit(self, features: Features, target: Target | None = None) -> Self:
        """Learn what there is to count, and how to condense it."""
        self.counted_: list[str] = []
        self.condensers_: dict[str, Any] = {}
        for name, (_, values) in features.items():
            self._fit_column(name, filled(values))
        return self

    def transform(self, features: Features) -> Features:
        """Return a block for each text."""
        return {
            name: Feature(READY, self._block(name, filled(values))) for name, (_, values) in features.items()
        }

    def _fit_column(self, name: str, texts: Labels) -> None:
        vectorizer = self.vectorizer()
        try:
            counts = vectorizer.fit_transform(texts)
        except ValueError:  # scikit-learn's way to say that no run is left
            return
        if not counts.nnz:
            return
        self.counted_.append(name)
        self.remember(name, vectorizer)
        if self.components and min(counts.shape) > self.components:
            condenser = TruncatedSVD(self.components, random_state=self.seed)
            self.condensers_[name] = condenser.fit(counts)

    def _block(self, name: str, texts: Labels) -> Any:
        if name not in self.counted_:
            return np.zeros((len(texts), 1))
        counts = self.kept(name, lambda: self.vectorizer(name)).transform(texts)
        if name in self.condensers_:
            return self.condensers_[name].transform(counts)
        return counts.toarray() if self.components else sparse.csr_matrix(counts)


def filled(texts: Labels) -> Labels:
    """Return texts with an empty one where none is."""
    return np.array(["" if text is None else text for text in texts], dtype=object)
