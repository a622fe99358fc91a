"""A trained model: from typed columns to answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.column_schema import ColumnSchema, Problem
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.rows import Columns


class Predictor(Protocol):
    """What answers rows. One implementation per engine; all give the same answers."""

    @property
    def problem(self) -> Problem:
        """Kind of answer."""
        ...

    @property
    def schema(self) -> tuple[ColumnSchema, ...]:
        """The features, in order."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, sorted; empty in a regression."""
        ...

    @property
    def steps(self) -> tuple[DeclaredStep, ...]:
        """The cleaning steps that requests go through, as the rows of the training did."""
        ...

    @property
    def threshold(self) -> float | None:
        """Of two labels: the probability from which the second one is answered; None answers the more probable one."""
        ...

    def with_threshold(self, threshold: float | None) -> Predictor:
        """Return the same model with another threshold."""
        ...

    def predict(self, columns: Columns) -> Floats:
        """Return numbers of shape (n_rows,), or probabilities of shape (n_rows, n_classes)."""
        ...


@dataclass(frozen=True)
class Model:
    """A fitted scikit-learn pipeline with its schema; a `Predictor`.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    schema : tuple of ColumnSchema
        The features.
    pipeline : sklearn.pipeline.Pipeline
        From typed columns to predictions.
    steps : tuple of DeclaredStep
        The cleaning steps that requests go through, as the rows of the training did.
    threshold : float or None
        Of two labels: the probability from which the second one is answered.
    """

    problem: Problem
    schema: tuple[ColumnSchema, ...]
    pipeline: Any
    steps: tuple[DeclaredStep, ...] = ()
    threshold: float | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, sorted; empty in a regression."""
        return () if self.problem == "regression" else tuple(map(str, self.pipeline.classes_))

    def with_threshold(self, threshold: float | None) -> Model:
        """Return the same model with another threshold."""
        return replace(self, threshold=threshold)

    def predict(self, columns: Columns) -> Floats:
        """Return numbers of shape (n_rows,), or probabilities of shape (n_rows, n_classes)."""
        answer = self.pipeline.predict if self.problem == "regression" else self.pipeline.predict_proba
        return np.asarray(answer(columns), dtype=np.float64)


def as_documents(
    answers: list[Any], classes: Sequence[str], threshold: float | None = None
) -> list[dict[str, Any]]:
    """Return answers as JSON has them.

    Parameters
    ----------
    answers : list of float, or of list of float
        Numbers, or the probabilities of `classes`.
    classes : sequence of str
        Labels; empty in a regression.
    threshold : float or None
        Of two labels: the probability from which the second one is answered; None answers the more probable one.

    Examples
    --------
    >>> as_documents([12.5], ())
    [{'score': 12.5}]
    >>> as_documents([[0.25, 0.75]], ("no", "yes"))
    [{'label': 'yes', 'probabilities': {'no': 0.25, 'yes': 0.75}}]
    """
    if not classes:
        return [{"score": number} for number in answers]
    if len(classes) == len(("no", "yes")):
        no, yes = classes
        if threshold is not None:
            return [
                {"label": yes if q >= threshold else no, "probabilities": {no: p, yes: q}} for p, q in answers
            ]
        return [{"label": yes if q > p else no, "probabilities": {no: p, yes: q}} for p, q in answers]
    return [
        {"label": classes[row.index(max(row))], "probabilities": dict(zip(classes, row, strict=True))}
        for row in answers
    ]


def schema_document(model: Predictor) -> dict[str, Any]:
    """Return ``schema.json``: what a caller needs to know."""
    cleaning = {"cleaning": [step.as_dict() for step in model.steps]} if model.steps else {}
    threshold = {} if model.threshold is None else {"threshold": model.threshold}
    return {
        "problem": model.problem,
        "features": [column.as_dict() for column in model.schema],
        "classes": list(model.classes),
        **cleaning,
        **threshold,
    }


def read_schema_document(
    document: Mapping[str, Any],
) -> tuple[Problem, tuple[ColumnSchema, ...], tuple[DeclaredStep, ...]]:
    """Return what `schema_document` wrote, but for the classes, which the pipeline knows, and the threshold."""
    return (
        document["problem"],
        tuple(ColumnSchema.from_dict(entry) for entry in document["features"]),
        tuple(DeclaredStep.from_dict(entry) for entry in document.get("cleaning", ())),
    )
