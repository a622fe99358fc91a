"""How differently a model treats groups of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from headrace.ml.arrays import Floats, Ints, Labels
from headrace.ml.contract import Problem
from headrace.ml.evaluation.bootstrap import draws, interval
from headrace.ml.evaluation.group_figures import Figures, figures_of
from headrace.ml.predictions import Predictions

MOST_GROUPS = 50
"""Groups of one column that are compared: those with the most rows; of the others only their number is told."""

GAPS: dict[Problem, dict[str, tuple[str, ...]]] = {
    "binary": {
        "equalised_odds": ("tpr", "fpr"),
        "equal_opportunity": ("tpr",),
        "demographic_parity": ("selection_rate",),
        "accuracy": ("accuracy",),
    },
    "multiclass": {"accuracy": ("accuracy",), "f1_macro": ("f1_macro",)},
    "regression": {"mean_error": ("mean_error",), "rmse": ("rmse",)},
}
"""By problem and measure the figures whose largest difference between two groups counts; the first measure is the default."""


@dataclass(frozen=True)
class FairnessRule:
    """What the gate asks of groups.

    Parameters
    ----------
    columns : tuple of str
        By which rows are grouped.
    measure : str
        One of `GAPS`.
    max_gap : float
        The largest gap that is let in, as a share, or in the target's unit.
    """

    columns: tuple[str, ...]
    measure: str
    max_gap: float


def compare_groups(
    problem: Problem, predictions: Predictions, groups: Labels, *, min_rows: int, seed: int
) -> dict[str, Any]:
    """Measure each group of rows, and how far groups are apart.

    A figure of a group counts for gaps if it is a share, or a mean, of at least `min_rows` rows: of the true positive rate these are
    the positive rows.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    predictions : Predictions
        Truth and answers; at least one row.
    groups : ndarray of shape (n_rows,)
        Names.
    min_rows : int
        See above.
    seed : int
        Of the resamples.

    Returns
    -------
    dict
        ``groups``: by name ``rows`` and figures, None where there is no value. ``gaps``: by measure ``value``, the largest
        difference between two groups, at least 0; ``low`` and ``high``, between which it lies with 95 %; the ``figure`` that differs
        so, the ``lowest`` and the ``highest`` group, and those ``left_out`` as too small. A value of None: fewer than two groups
        are large enough. ``more_groups``: how many smaller groups are not told.

    References
    ----------
    .. [1] Hardt, M., Price, E. and Srebro, N. (2016). Equality of opportunity in supervised learning. NeurIPS.
    .. [2] Dwork, C. et al. (2012). Fairness through awareness. ITCS. (demographic parity)

    Examples
    --------
    >>> truth, groups = np.array(["yes", "no"] * 40), np.repeat(["a", "b"], 40)
    >>> scores = np.where(groups == "a", 0.9, 0.1)
    >>> answers = Predictions(truth, np.column_stack([1 - scores, scores]), ("no", "yes"))
    >>> found = compare_groups("binary", answers, groups, min_rows=10, seed=7)
    >>> found["groups"]["a"]["tpr"], found["gaps"]["equal_opportunity"]["value"]
    (1.0, 1.0)
    """
    names, codes = _coded(groups)
    told = names[:MOST_GROUPS]
    kept = codes < len(told)
    model, codes = predictions.rows(kept), codes[kept]
    figures = figures_of(problem, model, codes, len(told))
    measured = figures.weighted(None)
    counted = {name: support >= min_rows for name, (_, support) in measured.items()}
    lines = [
        {name: values for name, (values, _) in figures.weighted(line).items()}
        for weights in draws(len(codes), np.random.default_rng(seed), codes)
        for line in weights
    ]
    return {
        "groups": _by_group(told, codes, measured),
        "gaps": {
            measure: _gap(told, parts, measured, counted, lines) for measure, parts in GAPS[problem].items()
        },
        "more_groups": len(names) - len(told),
    }


def _coded(groups: Labels) -> tuple[list[str], Ints]:
    """Return the names of the groups, those with most rows first, and which of them each row is in."""
    found, codes, counts = np.unique(groups.astype(str), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return found[order].tolist(), place[codes]


def _by_group(names: list[str], codes: Ints, measured: Figures) -> dict[str, dict[str, Any]]:
    rows = np.bincount(codes, minlength=len(names)).tolist()
    return {
        name: {
            "rows": rows[place],
            **{figure: _number(values[place]) for figure, (values, _) in measured.items()},
        }
        for place, name in enumerate(names)
    }


def _gap(
    names: list[str],
    parts: tuple[str, ...],
    measured: Figures,
    counted: Mapping[str, Any],
    lines: list[dict[str, Floats]],
) -> dict[str, Any]:
    """Return the largest difference of any of the figures `parts`, between groups of which it counts."""
    small = {name for part in parts for name, counts in zip(names, counted[part], strict=True) if not counts}
    left_out = [name for name in names if name in small]
    spans = {part: _span(measured[part][0][counted[part]]) for part in parts}
    known = {part: span for part, span in spans.items() if span is not None}
    if len(known) < len(parts):
        return {"value": None, "low": None, "high": None, "left_out": left_out}
    figure = max(known, key=lambda part: known[part])
    values = np.where(counted[figure], measured[figure][0], np.nan)
    resampled = np.array([max(_span(line[part][counted[part]]) or 0.0 for part in parts) for line in lines])
    low, high = interval(resampled) or (None, None)
    return {
        "value": known[figure],
        "low": low,
        "high": high,
        "figure": figure,
        "lowest": names[int(np.nanargmin(values))],
        "highest": names[int(np.nanargmax(values))],
        "left_out": left_out,
    }


def _span(values: Floats) -> float | None:
    """Return the largest difference, or None of fewer than two values."""
    found = values[np.isfinite(values)]
    return float(found.max() - found.min()) if len(found) > 1 else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
