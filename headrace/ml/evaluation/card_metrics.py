"""Metrics in the forms that a model card has: numbers, bars, lines, matrices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from headrace.ml.evaluation.entries import named_entries
from headrace.ml.pages.markup import shortened

_NAME, _GROUP, _AXIS, _NOTE = 255, 63, 63, 1024
_MOST_BARS, _MOST_POINTS, _MOST_METRICS, _MOST_SIDE = 20, 40, 50, 20

Document = Mapping[str, Any]
Metric = Any


def simple_metrics(measured: Document) -> list[dict[str, Any]]:
    """Return metrics as numbers, with their intervals as notes; what has no finite value is left out.

    Examples
    --------
    >>> simple_metrics({"rmse": {"value": 4.0, "low": 3.5, "high": 4.5}, "folds": "five"})
    [{'name': 'rmse', 'type': 'number', 'value': 4.0, 'notes': '95 % interval: 3.5 to 4.5'}]
    """
    found = []
    for name, each in list(measured.items())[:_MOST_METRICS]:
        inner = each if isinstance(each, Mapping) else {"value": each}
        value = _number(inner.get("value", inner.get("mean")))
        if value is None:
            continue
        metric = {"name": shortened(str(name), _NAME), "type": "number", "value": value}
        low, high = _number(inner.get("low")), _number(inner.get("high"))
        if low is not None and high is not None:
            metric["notes"] = f"95 % interval: {low:.6g} to {high:.6g}"
        found.append(metric)
    return found


def label_metrics(per_class: Any) -> list[dict[str, Any]]:
    """Return a bar chart for each metric that labels have, of at most 20 labels."""
    entries = named_entries(per_class)
    labels = list(entries)[:_MOST_BARS]
    names = dict.fromkeys(name for label in labels for name in entries[label])
    charts = []
    for name in list(names)[:_MOST_METRICS]:
        bars = {label: _value(entries[label].get(name)) for label in labels}
        known = {label: value for label, value in bars.items() if value is not None}
        if known:
            charts.append(_bars(name, list(known), list(known.values())))
    return charts


def confusion_metric(table: Document | None) -> list[dict[str, Any]]:
    """Return a confusion table as a matrix of at most 20 rows and columns."""
    if not table or not 0 < len(table["labels"]) <= _MOST_SIDE:
        return []
    labels = [shortened(str(label), _AXIS) for label in table["labels"]]
    return [
        {
            "name": "confusion",
            "notes": "a row for each true label, a column for each answer; in rows",
            "type": "matrix",
            "value": [list(row) for row in table["counts"]],
            "x_axis_name": labels,
            "y_axis_name": labels,
        }
    ]


def curve_metric(curves: Document) -> list[dict[str, Any]]:
    """Return the curves of the new model as lines of at most 40 points."""
    shapes = (
        ("ROC", "roc", "false positive rate", "true positive rate"),
        ("precision and recall", "precision_recall", "recall", "precision"),
    )
    found = []
    for name, key, across, up in shapes:
        points = ((curves.get(key) or {}).get("challenger") or {}).get("points")
        if points:
            found.append(_line(name, points, across, up))
    bins = ((curves.get("calibration") or {}).get("challenger") or {}).get("bins")
    if bins:
        points = [[each["predicted"], each["share"]] for each in bins]
        found.append(_line("calibration", points, "predicted", "share that came true"))
    return found


def importance_metrics(evaluation: Document) -> list[dict[str, Any]]:
    """Return permutation importances and mean absolute SHAP values as bars, the largest 20."""
    charts = []
    for title, key, by in (
        ("permutation importance", "importance", "mean"),
        ("mean absolute SHAP", "shap", "mean_abs"),
    ):
        ranked = sorted(evaluation.get(key) or [], key=lambda entry: -float(entry[by]))[:_MOST_BARS]
        if ranked:
            charts.append(
                _bars(title, [str(each["feature"]) for each in ranked], [float(each[by]) for each in ranked])
            )
    return charts


def grouped(fairness: Document) -> Iterator[dict[str, Any]]:
    """Yield a group of metrics for each group of rows, and the gaps between them."""
    for name, entry in list(named_entries(fairness.get("groups")).items())[:_MOST_BARS]:
        if found := simple_metrics(entry):
            yield {"name": shortened(name or "empty", _GROUP), "metric_data": found}
    if gaps := simple_metrics(fairness.get("gaps") or {}):
        yield {"name": "Gaps", "metric_data": gaps}


def _bars(name: str, labels: list[str], values: list[float]) -> dict[str, Any]:
    return {
        "name": shortened(name, _NAME),
        "type": "bar_chart",
        "value": values,
        "x_axis_name": [shortened(label, _AXIS) for label in labels],
        "y_axis_name": shortened(name, _AXIS),
    }


def _line(name: str, points: list[list[float]], across: str, up: str) -> dict[str, Any]:
    chosen = np.unique(np.linspace(0, len(points) - 1, _MOST_POINTS).round().astype(int))
    return {
        "name": name,
        "type": "linear_graph",
        "value": [list(points[index]) for index in chosen],
        "x_axis_name": across,
        "y_axis_name": up,
    }


def _value(measured: Any) -> float | None:
    return _number(measured.get("value") if isinstance(measured, Mapping) else measured)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value
