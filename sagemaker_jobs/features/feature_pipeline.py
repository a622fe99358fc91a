"""The steps of one model, one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar

from sklearn.base import BaseEstimator, TransformerMixin

from headrace.ml.rows import Columns
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.features.step import Feature, Features, Step, Target

Cells = TypeVar("Cells")


class FeaturePipeline(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Leads typed columns through steps.

    Parameters
    ----------
    names, kinds : list of str
        The schema, in order.
    steps : list of Step
        In order.
    columns : list of list of str
        What each step is given; an empty list stands for all columns of the kinds that it takes.

    Attributes
    ----------
    given_ : list of list of str
        What each step was given in training. A step that found nothing to do is given nothing.
    """

    def __init__(
        self, names: list[str], kinds: list[str], steps: Sequence[Step], columns: list[list[str]]
    ) -> None:
        self.names = names
        self.kinds = kinds
        self.steps = steps
        self.columns = columns

    def fit(self, columns: Columns, y: Target | None = None) -> Self:
        """Learn from training rows."""
        self.fit_transform(columns, y)
        return self

    def fit_transform(self, columns: Columns, y: Target | None = None, **_: Any) -> Features:
        """Learn from training rows and return what the estimator learns from."""
        features, self.given_ = self._features(columns), []
        for place, (step, wanted) in enumerate(zip(self.steps, self.columns, strict=True)):
            given = _chosen(step, wanted, features, place)
            self.given_.append(given)
            if given:
                features = with_made(features, step, given, step.fit_transform(_only(features, given), y))
        return features

    def transform(self, columns: Columns) -> Features:
        """Return what the estimator is asked with."""
        features = self._features(columns)
        for step, given in zip(self.steps, self.given_, strict=True):
            if given:
                features = with_made(features, step, given, step.transform(_only(features, given)))
        return features

    def makers(self) -> dict[str, Step]:
        """Return by the name of each column which step was given it last."""
        given = zip(self.steps, self.given_, strict=True)
        return {name: step for step, names in given for name in names}

    def _features(self, columns: Columns) -> Features:
        return {name: Feature(kind, columns[name]) for name, kind in zip(self.names, self.kinds, strict=True)}


def _only(features: Features, names: Sequence[str]) -> Features:
    return {name: features[name] for name in names}


def with_made(
    features: Mapping[str, Cells], step: Step, given: Sequence[str], made: Mapping[str, Cells]
) -> dict[str, Cells]:
    """Return the columns with what was made of some; a new column stands where its origin stood, or at the end."""
    if step.beside:
        return {**features, **made}
    kept = {
        name: made.get(name, feature)
        for name, feature in features.items()
        if name not in given or name in made
    }
    return {**kept, **made}


def _chosen(step: Step, wanted: Sequence[str], features: Features, place: int) -> list[str]:
    if not wanted:
        return [name for name, feature in features.items() if feature.kind in step.takes]
    where = f"features.steps.{place}"
    for name in wanted:
        if name not in features:
            raise JobError(f"{where}: there is no column {name!r} here; there are {', '.join(features)}")
        kind = features[name].kind
        if kind not in step.takes:
            raise JobError(f"{where}: column {name!r} is {kind}, and this step takes {', '.join(step.takes)}")
    return list(wanted)
