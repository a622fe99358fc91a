"""What is known of the model that answered: how it read requests, and what its profile is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from headrace.ml.contract import ColumnSchema
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.profile import Profile
from headrace.ml.request_cleaning import RequestCleaning

_TWO = 2


@dataclass(frozen=True)
class DeployedModel:
    """One variant's model.

    Parameters
    ----------
    cleaning : RequestCleaning
        What requests have, and what the model is given; nothing if there is no baseline.
    classes : tuple of str
        The labels, sorted; empty in a regression, or if they are not known.
    baseline : Profile or None
        What its traffic is compared with.
    threshold : float or None
        Of two labels: the probability from which the second one is answered; None answers the more probable one.
    """

    cleaning: RequestCleaning
    classes: tuple[str, ...] = ()
    baseline: Profile | None = None
    threshold: float | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> Self:
        """Read a model's ``baseline.json``; None is a model without one, whose features nobody knows.

        Examples
        --------
        >>> DeployedModel.of(None).cleaning.wanted
        ()
        """
        if document is None:
            return cls(RequestCleaning(()))
        baseline = Profile.from_dict(document)
        schema = tuple(ColumnSchema(feature.name, feature.kind) for feature in baseline.features)
        steps = tuple(map(DeclaredStep.from_dict, document.get("cleaning", ())))
        return cls(
            RequestCleaning(schema, steps),
            _classes(document, baseline),
            baseline,
            document.get("threshold"),
        )


def _classes(document: Mapping[str, Any], baseline: Profile) -> tuple[str, ...]:
    """Return the labels; baselines of former versions do not list them, but name those that were predicted."""
    if "classes" in document:
        return tuple(document["classes"])
    levels = baseline.prediction.levels if baseline.prediction else ()
    return tuple(sorted(levels)) if len(levels) == _TWO else ()
