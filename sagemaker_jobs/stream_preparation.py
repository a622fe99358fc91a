"""Makes the encoder's matrix fit for a linear model, learning from one batch of rows after another."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from headrace.ml.arrays import Floats

_DENSE = 64


class StreamPreparation(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Fills gaps in numbers and scales them to mean 0 and standard deviation 1; makes a column of each category.

    Parameters
    ----------
    is_category : list of bool
        Which columns of the encoder's matrix hold codes.

    Attributes
    ----------
    imputer_, scaler_, one_hot_ : transformer or None
        None where there is no column of the kind.
    """

    def __init__(self, is_category: list[bool]) -> None:
        self.is_category = is_category

    def fit(self, matrix: Floats, y: object = None) -> Self:
        """Learn the medians that fill gaps, from a sample of the rows, and what `partial_fit` is to refine."""
        numbers, codes = self._split(matrix)
        self.imputer_: Any = None
        self.scaler_: Any = None
        self.one_hot_: Any = None
        if numbers.shape[1]:
            self.imputer_ = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
            self.imputer_.fit(numbers)
            self.scaler_ = StandardScaler()
        if codes.shape[1]:
            self.one_hot_ = OneHotEncoder(handle_unknown="ignore")
        return self

    def partial_fit(self, matrix: Floats) -> Self:
        """Refine means and standard deviations by further rows."""
        if self.scaler_ is not None:
            self.scaler_.partial_fit(self.imputer_.transform(self._split(matrix)[0]))
        return self

    def learn_codes(self, codes: list[int]) -> Self:
        """Learn how many codes each column of categories has; a missing cell is a code of its own."""
        if self.one_hot_ is not None:
            tallest = max(codes) + 1
            grid = [
                np.resize(np.append(np.arange(count, dtype=np.float64), np.nan), tallest) for count in codes
            ]
            self.one_hot_.fit(np.column_stack(grid))
        return self

    def transform(self, matrix: Floats) -> Any:
        """Return what the estimator reads; a CSR matrix if there are many categories."""
        numbers, codes = self._split(matrix)
        blocks: list[Any] = []
        if self.scaler_ is not None:
            blocks.append(self.scaler_.transform(self.imputer_.transform(numbers)))
        if self.one_hot_ is not None:
            coded = self.one_hot_.transform(codes)
            if coded.shape[1] > _DENSE:
                return sparse.hstack([*blocks, coded], format="csr")
            blocks.append(coded.toarray())
        return np.hstack(blocks)

    def _split(self, matrix: Floats) -> tuple[Floats, Floats]:
        coded = np.array(self.is_category, dtype=bool)
        return matrix[:, ~coded], matrix[:, coded]
