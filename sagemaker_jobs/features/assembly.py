"""From the columns that the steps leave to the matrix that an estimator learns from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import SimpleImputer

from headrace.ml.contract import Kind
from sagemaker_jobs.encoder import RowEncoder
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.features.step import READY, Features, Target


class Assembly(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Encodes the columns that no step has made ready, and puts all side by side.

    Parameters
    ----------
    prepare : transformer or None
        Makes the encoder's matrix fit for an estimator that knows neither categories nor gaps; None for one that does.
        Missing numbers in columns that are ready get the median of training then.

    Attributes
    ----------
    encoder_ : RowEncoder or None
        Of the columns that are not ready; None if all are.
    imputers_ : dict of str to SimpleImputer
        By name of a ready column.
    widths_ : dict of str to int
        How many numbers a ready column has.
    """

    def __init__(self, prepare: Any = None) -> None:
        self.prepare = prepare

    def fit(self, features: Features, y: Target | None = None) -> Self:
        """Learn categories, and the fillings of gaps."""
        self.fit_transform(features, y)
        return self

    def fit_transform(self, features: Features, y: Target | None = None, **_: Any) -> Any:
        """Learn and return the matrix of the training rows."""
        plain, kinds = plain_columns(features)
        self.encoder_ = RowEncoder(list(plain), list(kinds.values())).fit(plain) if plain else None
        blocks = []
        if self.encoder_ is not None:
            encoded = self.encoder_.transform(plain)
            blocks.append(encoded if self.prepare is None else self.prepare.fit_transform(encoded))
        self._learn_ready(features)
        return self._side_by_side([*blocks, *self._filled(features)])

    def adopt(self, encoder: RowEncoder | None, features: Features) -> Self:
        """Take an encoder, as `prepare`, that has been fitted already, and learn the rest from a sample of the rows."""
        self.encoder_ = encoder
        self._learn_ready(features)
        return self

    def transform(self, features: Features) -> Any:
        """Return the matrix, of shape (n_rows, n_numbers); a CSR matrix if a column is sparse."""
        blocks = []
        if self.encoder_ is not None:
            encoded = self.encoder_.transform(plain_columns(features)[0])
            blocks.append(encoded if self.prepare is None else self.prepare.transform(encoded))
        return self._side_by_side([*blocks, *self._filled(features)])

    def is_category(self) -> list[bool]:
        """Tell which of the matrix's columns hold the codes of categories."""
        encoded = self.encoder_.is_category() if self.encoder_ is not None else []
        return encoded + [False] * sum(self.widths_.values())

    def _learn_ready(self, features: Features) -> None:
        self.imputers_: dict[str, SimpleImputer] = {}
        self.widths_: dict[str, int] = {}
        for name, block in _ready(features).items():
            self.widths_[name] = block.shape[1]
            if self.prepare is not None and not sparse.issparse(block):
                imputer = SimpleImputer(strategy="median", keep_empty_features=True)
                self.imputers_[name] = imputer.fit(block)

    def _filled(self, features: Features) -> Iterator[Any]:
        for name, block in _ready(features).items():
            expected = self.widths_[name]
            if block.shape[1] != expected:
                numbers = f"{block.shape[1]} numbers a row, and {expected} in training"
                raise JobError(f"the step that makes {name!r} returned {numbers}")
            yield self.imputers_[name].transform(block) if name in self.imputers_ else block

    def _side_by_side(self, blocks: list[Any]) -> Any:
        if self.prepare is None:
            # The estimator that knows categories knows no sparse matrix.
            blocks = [block.toarray() if sparse.issparse(block) else block for block in blocks]
        elif any(sparse.issparse(block) for block in blocks):
            return sparse.hstack(blocks, format="csr")
        return blocks[0] if len(blocks) == 1 else np.hstack(blocks)


def plain_columns(features: Features) -> tuple[dict[str, Any], dict[str, Kind]]:
    """Return the values and the kinds of the columns that no step has made ready."""
    chosen = {name: feature for name, feature in features.items() if feature.kind != READY}
    kinds: Mapping[str, Any] = {name: feature.kind for name, feature in chosen.items()}
    return {name: feature.values for name, feature in chosen.items()}, dict(kinds)


def _ready(features: Features) -> dict[str, Any]:
    return {
        name: values.reshape(-1, 1) if values.ndim == 1 else values
        for name, (kind, values) in features.items()
        if kind == READY
    }
