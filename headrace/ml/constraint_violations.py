"""What a drift check found, as Amazon SageMaker Model Monitor writes it, for tools that were made for it.

References
----------
.. [1] Amazon SageMaker AI Developer Guide, "Schema for Violations (constraint_violations.json file)".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headrace.ml.drift import DriftReport
from headrace.ml.drift_levels import exact_p_value
from headrace.ml.model_monitor import inferred_type
from headrace.ml.profile import Profile
from headrace.ml.profile_column import ColumnProfile

_LEAST_MATCH = 0.9
"""Model Monitor's default: datatype_check_threshold and domain_content_threshold are 0.1."""

Violation = tuple[str, str]
"""The kind of check, and what it found."""


def constraint_violations(reference: Profile, window: Profile, report: DriftReport) -> dict[str, Any]:
    """Return ``constraint_violations.json``.

    Drift and completeness are violated by what is sure, not by every row that differs: one row without a value is none.

    Parameters
    ----------
    reference, window : Profile
        What was compared.
    report : DriftReport
        What `headrace.ml.drift.compare` said.

    Returns
    -------
    dict
        An empty list of violations if there are none.

    Examples
    --------
    >>> from headrace.ml.column_schema import ColumnSchema
    >>> from headrace.ml.drift import compare
    >>> from headrace.ml.profile import profile_frame
    >>> schema = [ColumnSchema("rooms", "number")]
    >>> before = profile_frame({"rooms": [1.0, 2.0, 3.0, 4.0] * 50}, schema)
    >>> after = profile_frame({"rooms": [1.5, 2.0, 3.5, 4.0] * 50}, schema, like=before)
    >>> for violation in constraint_violations(before, after, compare(before, after))["violations"]:
    ...     print(violation["constraint_check_type"])
    data_type_check
    baseline_drift_check
    """
    old = {column.name: column for column in reference.features}
    new = {column.name: column for column in window.features}
    found = [
        (name, "missing_column_check", "The column is not in the data.") for name in old if name not in new
    ]
    found += [
        (name, "extra_column_check", "The column is not in the baseline.") for name in new if name not in old
    ]
    limit = min((feature.threshold for feature in report.features), default=0.0)
    for name, column in old.items():
        if name in new:
            found += [(name, *violation) for violation in _of_column(column, new[name], limit)]
    found += [
        (feature.name, "baseline_drift_check", _distance(feature.effect, feature.floor))
        for feature in report.features
        if feature.drifted
    ]
    names = ("feature_name", "constraint_check_type", "description")
    return {"violations": [dict(zip(names, each, strict=True)) for each in found]}


def _distance(effect: float, floor: float) -> str:
    return f"Baseline drift distance: {effect:.6g} exceeds threshold: {floor:.6g}"


def _of_column(old: ColumnProfile, new: ColumnProfile, limit: float) -> Iterator[Violation]:
    if old.present and new.present:
        yield from _of_type(old, new)
        yield from _of_levels(old, new)
    fuller = old.rows and new.rows and new.present / new.rows < old.present / old.rows
    if fuller and exact_p_value(old.missing, old.rows, new.missing, new.rows) < limit:
        expected, observed = old.present / old.rows * 100, new.present / new.rows * 100
        yield (
            "completeness_check",
            f"Data completeness requirement is not met. Expected completeness: {expected}%. "
            f"Observed: Only {observed}% of data is present.",
        )


def _of_type(old: ColumnProfile, new: ColumnProfile) -> Iterator[Violation]:
    whole = new.whole / new.present
    if inferred_type(old) == "Integral" and whole < _LEAST_MATCH:
        yield (
            "data_type_check",
            f"Data type match requirement is not met. Expected data type: Integral, Expected match: "
            f"{_LEAST_MATCH * 100}%. Observed: Only {whole * 100}% of data is Integral.",
        )


def _of_levels(old: ColumnProfile, new: ColumnProfile) -> Iterator[Violation]:
    if not old.levels or old.counts[-1]:
        return
    known = 1.0 - float(new.counts[-1]) / new.present
    if known < _LEAST_MATCH:
        yield (
            "categorical_values_check",
            f"Value sets match requirement is not met. Expected match: {_LEAST_MATCH * 100}%. "
            f"Observed: Only {known * 100}% of values match value set.",
        )
