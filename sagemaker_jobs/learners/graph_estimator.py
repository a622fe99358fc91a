"""What is left of a model once its framework has gone: a graph that ONNX Runtime answers by."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from headrace.ml.arrays import Floats, Labels
from sagemaker_jobs.engines import open_session

MATRIX = "matrix"
"""Name of the graph's input; its output is `sagemaker_jobs.engines.ANSWERS`."""

_NOT_KEPT = ("_session", "booster")
_ROWS_AT_A_TIME = 1_000
"""A text of 200 words is 50 KB in a network."""


class GraphEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Answers the rows of a matrix by a graph, as the estimator did from which the graph was made.

    It needs neither that estimator's framework nor pickle, and becomes a part of the pipeline's one graph
    (`sagemaker_jobs.onnx_export.embedding`).

    Parameters
    ----------
    graph : bytes
        An ONNX model. Its input ``matrix`` is float64 of shape (n_rows, n_columns), NaN where a cell is missing and codes of
        categories as whole numbers. Its output ``answers`` is float64: numbers of shape (n_rows,), or probabilities of shape
        (n_rows, n_classes). Operators are of the versions `graph.OPSET` and `graph.ML_OPSET` of `sagemaker_jobs.onnx_export`;
        else the pipeline cannot become one graph, and is served by scikit-learn.
    labels : list of str or None
        The classes, sorted; None in a regression.

    Attributes
    ----------
    classes_ : ndarray of str
        The classes; there is none in a regression.
    booster : object or None
        What the graph was made of, by which its answers are explained while the training lasts. It is no part of the model.
    """

    booster: Any = None

    def __init__(self, graph: bytes, labels: list[str] | None = None) -> None:
        self.graph = graph
        self.labels = labels
        if labels is not None:
            self.classes_ = np.array(labels)

    def fit(self, matrix: Any, target: Any = None) -> Self:
        """Refuse to learn: that was done by the framework from which the graph comes.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError("a graph has been learned elsewhere")

    def __sklearn_is_fitted__(self) -> bool:
        """Tell scikit-learn's pipeline that it can answer."""
        return True

    def predict(self, matrix: Any) -> Floats | Labels:
        """Return numbers, or the most probable labels, of shape (n_rows,)."""
        answers = self._answers(matrix)
        if self.labels is None:
            return answers
        labels: Labels = self.classes_[np.argmax(answers, axis=1)]
        return labels

    def predict_proba(self, matrix: Any) -> Floats:
        """Return probabilities of shape (n_rows, n_classes)."""
        return self._answers(matrix)

    def _answers(self, matrix: Any) -> Floats:
        session = self.__dict__.get("_session")
        if session is None:
            session = self.__dict__["_session"] = open_session(self.graph)
        cells = np.asarray(matrix.toarray() if sparse.issparse(matrix) else matrix, dtype=np.float64)
        starts = range(0, max(1, len(cells)), _ROWS_AT_A_TIME)
        parts = [session.run(None, {MATRIX: cells[start : start + _ROWS_AT_A_TIME]})[0] for start in starts]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the session, which is opened when first needed, and the framework's own object."""
        return {name: value for name, value in super().__getstate__().items() if name not in _NOT_KEPT}
