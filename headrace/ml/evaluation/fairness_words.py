"""Says in a sentence how far groups are apart, and whether that is let in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from headrace.ml.evaluation.fairness import FairnessRule

_NAMES = {
    "tpr": "true positive rate",
    "fpr": "false positive rate",
    "selection_rate": "share answered positive",
    "f1_macro": "f1_macro",
    "mean_error": "mean error",
}


def gap_in_words(
    column: str, found: Mapping[str, Any], measure: str, max_gap: float | None = None
) -> str | None:
    """Return the gap between two groups with its figures; None if it has no value.

    Parameters
    ----------
    column : str
        By which rows are grouped.
    found : mapping
        As `headrace.ml.evaluation.fairness.compare_groups` returns it.
    measure : str
        Which gap.
    max_gap : float, optional
        The largest that is let in.

    Examples
    --------
    >>> groups = {"F": {"rows": 300, "tpr": 0.62}, "M": {"rows": 500, "tpr": 0.81}}
    >>> gap = {"value": 0.19, "low": 0.12, "high": 0.26, "figure": "tpr", "lowest": "F", "highest": "M", "left_out": ["X"]}
    >>> gap_in_words("sex", {"groups": groups, "gaps": {"equalised_odds": gap}}, "equalised_odds")
    "equalised odds by 'sex': the true positive rate is 0.62 of 'F' (300 rows) and 0.81 of 'M' (500 rows), a gap of 0.19 (95 %: 0.12 to 0.26); too small to be compared: 'X'"
    """
    gap = _known_gap(found, measure)
    if gap is None:
        return None
    value = gap["value"]
    figure = gap["figure"]
    low, high = (
        f"{found['groups'][name][figure]:.3g} of {name!r} ({found['groups'][name]['rows']} rows)"
        for name in (gap["lowest"], gap["highest"])
    )
    limits = "" if gap["low"] is None else f" (95 %: {gap['low']:.3g} to {gap['high']:.3g})"
    small = f"; too small to be compared: {_listed(gap['left_out'])}" if gap["left_out"] else ""
    asked = "" if max_gap is None else f", where at most {max_gap:.3g} is let in"
    return (
        f"{measure.replace('_', ' ')} by {column!r}: the {_NAMES.get(figure, figure)} is {low} and {high}, "
        f"a gap of {value:.3g}{limits}{asked}{small}"
    )


def unfair(evaluation: Mapping[str, Any], rule: FairnessRule) -> str | None:
    """Return why groups are too far apart, or cannot be compared; None if they are not."""
    for column in rule.columns:
        found = (evaluation.get("fairness") or {}).get(column)
        if not isinstance(found, dict):
            return f"the evaluation says nothing about the groups of {column!r}"
        gap = _known_gap(found, rule.measure)
        if gap is None:
            return f"fewer than two groups of {column!r} have rows enough to be compared by {rule.measure.replace('_', ' ')}"
        if gap["value"] > rule.max_gap:
            return gap_in_words(column, found, rule.measure, rule.max_gap)
    return None


def gap_in_short(found: Mapping[str, Any], measure: str) -> str:
    """Return the gap without brackets and quotes, which a model package's properties do not take.

    Examples
    --------
    >>> groups = {"F": {"rows": 300, "tpr": 0.62}, "M": {"rows": 500, "tpr": 0.81}}
    >>> gap = {"value": 0.19, "low": 0.12, "high": 0.26, "figure": "tpr", "lowest": "F", "highest": "M", "left_out": []}
    >>> gap_in_short({"groups": groups, "gaps": {"equalised_odds": gap}}, "equalised_odds")
    'equalised odds: gap 0.19: tpr 0.62 of F on 300 rows - 0.81 of M on 500 rows'
    """
    gap = _known_gap(found, measure)
    if gap is None:
        return "too few rows to compare groups"
    figure = gap["figure"]
    low, high = (
        f"{found['groups'][name][figure]:.3g} of {name} on {found['groups'][name]['rows']} rows"
        for name in (gap["lowest"], gap["highest"])
    )
    return f"{measure.replace('_', ' ')}: gap {gap['value']:.3g}: {figure} {low} - {high}"


def _known_gap(found: Mapping[str, Any], measure: str) -> Mapping[str, Any] | None:
    """Return the gap, if it has a value."""
    gap = found.get("gaps", {}).get(measure) or {}
    value = gap.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return gap


def _listed(names: list[str]) -> str:
    few = ", ".join(map(repr, names[:10]))
    return few if len(names) <= 10 else f"{few} and {len(names) - 10} more"  # noqa: PLR2004 - as above
