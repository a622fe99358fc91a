"""Says whether a window of traffic differs from the training data: by how much, how surely, and in which direction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from headrace.ml.arrays import Floats, Ints
from headrace.ml.profile import ColumnProfile, Profile
from headrace.ml.statistics import chi_square_survival, two_sample_ks_p_value

Verdict = Literal["drift", "no drift", "not enough data"]

FALSE_ALARM_RATE = 0.05
SMALLEST_EFFECT = 0.05

_SMALLEST_EXPECTED = 5.0
_SIGNIFICANT = 3
_MEASURED = {"number": "mean", "text": "mean length", "image": "mean size in bytes"}
"""What is compared of each kind that is measured, rather than counted."""


@dataclass(frozen=True)
class FeatureDrift:
    """What happened to one column.

    Parameters
    ----------
    name : str
        The column; ``prediction`` is what the model answered.
    drifted : bool
        True if `p_value` is below `threshold` and `effect` is at least `floor`.
    effect : float
        Largest share of rows that moved past some value (Kolmogorov's distance), that changed its level (total
        variation), or that went missing; 0 to 1.
    p_value : float
        Chance of such a difference without drift, 0 to 1; small is sure.
    threshold : float
        Limit of `p_value`: the false alarms accepted per window, over the number of tests.
    floor : float
        Least effect that counts.
    rows : int
        Rows of the window.
    summary : str
        From what to what.
    """

    name: str
    drifted: bool
    effect: float
    p_value: float
    threshold: float
    floor: float
    rows: int
    summary: str


@dataclass(frozen=True)
class DriftReport:
    """What happened to all columns.

    Parameters
    ----------
    drifted : bool
        True if any column drifted.
    verdict : {"drift", "no drift", "not enough data"}
        In words.
    rows : int
        Rows of the window.
    reason : str
        A sentence: which columns, or why there is no verdict.
    features : list of FeatureDrift
        The largest effect first among those that drifted, then the others. Empty without a verdict.
    """

    drifted: bool
    verdict: Verdict
    rows: int
    reason: str
    features: list[FeatureDrift]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


@dataclass(frozen=True)
class _Difference:
    effect: float
    p_value: float
    summary: str


def compare(
    reference: Profile,
    window: Profile,
    *,
    false_alarm_rate: float = FALSE_ALARM_RATE,
    smallest_effect: float = SMALLEST_EFFECT,
    min_rows: int = 100,
) -> DriftReport:
    """Compare a window with the reference.

    A column has drifted if the difference is both sure and large: its p-value is below the accepted rate of false alarms
    divided by the number of tests (Bonferroni), and its effect is at least the floor. Numbers are compared by
    Kolmogorov and Smirnov's test on the reference's bins, which can only miss a part of the distance; categories
    and missing cells by the chi-square test of two samples [1]_, rare levels pooled. Rows that depend on their neighbours
    count for less, by the variance inflation that reference and window themselves show [2]_. Times are not compared:
    they always move on.

    Parameters
    ----------
    reference : Profile
        Of the training data.
    window : Profile
        Of the traffic, made with ``like=reference``.
    false_alarm_rate : float
        How often a window without drift may raise an alarm, over all columns together; above 0, below 1.
    smallest_effect : float
        Smaller moves are never drift, however sure: a shift of a normal variable, in its standard deviations.
    min_rows : int
        A smaller window gets no verdict.

    Returns
    -------
    DriftReport
        With one entry per column.

    References
    ----------
    .. [1] Pearson, K. (1911). On the probability that two independent distributions are random samples from the same
       population. Biometrika 8.
    .. [2] Rao, J. N. K. and Scott, A. J. (1981). The analysis of categorical data from complex sample surveys. JASA 76.

    Examples
    --------
    >>> import pandas as pd
    >>> from headrace.ml.column_schema import ColumnSchema
    >>> from headrace.ml.profile import profile_frame
    >>> rng, schema = np.random.default_rng(0), [ColumnSchema("temp", "number")]
    >>> winter = profile_frame(pd.DataFrame({"temp": rng.normal(5, 3, 900)}), schema)
    >>> spring = profile_frame(pd.DataFrame({"temp": rng.normal(9, 3, 300)}), schema, like=winter)
    >>> report = compare(winter, spring)
    >>> report.drifted, report.features[0].summary
    (True, 'mean 4.93 → 8.83')
    """
    if window.rows < min_rows:
        reason = f"not enough data: {window.rows} rows, {min_rows} are needed"
        return DriftReport(False, "not enough data", window.rows, reason, [])
    named = {column.name: column for column in window.columns}
    pairs = [(column, named[column.name]) for column in reference.columns if column.name in named]
    differences = {old.name: _differences(old, new) for old, new in pairs}
    tests = max(1, sum(len(found) for found in differences.values()))
    threshold, floor = false_alarm_rate / tests, share_moved(smallest_effect)
    features = [_judge(new, differences[new.name], threshold, floor) for _, new in pairs]
    features.sort(key=lambda feature: (not feature.drifted, -feature.effect))
    return _report(features, window.rows)


def share_moved(shift: float) -> float:
    r"""Return the share of rows that a shift of a normal variable moves: :math:`2 \Phi(|d| / 2) - 1`.

    It is both Kolmogorov's distance and the total variation of two normal distributions a shift apart.

    Parameters
    ----------
    shift : float
        In standard deviations.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> round(share_moved(0.05), 4)
    0.0199
    """
    return math.erf(abs(shift) / (2 * math.sqrt(2)))


def _report(features: list[FeatureDrift], rows: int) -> DriftReport:
    moved = [f"{feature.name} ({feature.summary})" for feature in features if feature.drifted]
    if not moved:
        return DriftReport(
            False, "no drift", rows, f"no drift in {len(features)} columns, {rows} rows", features
        )
    return DriftReport(True, "drift", rows, f"drift in {', '.join(moved)}; {rows} rows", features)


def _judge(
    window: ColumnProfile, differences: Sequence[_Difference], threshold: float, floor: float
) -> FeatureDrift:
    """Return the surest of the differences that count, or the surest of all."""

    def counts(difference: _Difference) -> bool:
        return difference.p_value < threshold and difference.effect >= floor

    if not differences:
        nothing = "times are not compared" if window.kind == "datetime" else "nothing to compare"
        return FeatureDrift(window.name, False, 0.0, 1.0, threshold, floor, window.rows, nothing)
    best = min(differences, key=lambda difference: (not counts(difference), difference.p_value))
    return FeatureDrift(
        window.name,
        counts(best),
        round(best.effect, 6),
        best.p_value,
        threshold,
        floor,
        window.rows,
        best.summary,
    )


def _differences(old: ColumnProfile, new: ColumnProfile) -> list[_Difference]:
    found = []
    if old.kind != "datetime" and old.present and new.present:
        found.append(
            _difference_of_numbers(old, new) if old.kind in _MEASURED else _difference_of_levels(old, new)
        )
    if old.rows and new.rows and (old.missing or new.missing):
        found.append(_difference_of_missing(old, new))
    return found


def _difference_of_numbers(old: ColumnProfile, new: ColumnProfile) -> _Difference:
    distance = float(np.max(np.abs(_distribution(old) - _distribution(new))))
    inflation = max(old.inflation, new.inflation)
    p_value = two_sample_ks_p_value(distance, old.present / inflation, new.present / inflation)
    return _Difference(distance, p_value, f"{_MEASURED[old.kind]} {_digits(old.mean)} → {_digits(new.mean)}")


def _distribution(column: ColumnProfile) -> Floats:
    shares: Floats = np.cumsum(column.counts) / max(1, column.present)
    return shares


def _difference_of_levels(old: ColumnProfile, new: ColumnProfile) -> _Difference:
    change = new.counts / new.present - old.counts / old.present
    inflation = max(old.inflation, new.inflation)
    p_value = chi_square_p_value(old.counts, new.counts, inflation)
    moved = int(np.argmax(np.abs(change)))
    level = old.levels[moved] if moved < len(old.levels) else "levels not seen in training"
    summary = f"{level}: {_share(old.counts[moved], old.present)} → {_share(new.counts[moved], new.present)}"
    return _Difference(float(np.abs(change).sum() / 2), p_value, summary)


def _difference_of_missing(old: ColumnProfile, new: ColumnProfile) -> _Difference:
    effect = abs(new.missing / new.rows - old.missing / old.rows)
    inflation = max(old.missing_inflation, new.missing_inflation)
    before, after = (np.array([column.missing, column.present]) for column in (old, new))
    summary = f"missing: {_share(old.missing, old.rows)} → {_share(new.missing, new.rows)}"
    return _Difference(effect, chi_square_p_value(before, after, inflation), summary)


def chi_square_p_value(first: Ints, second: Ints, inflation: float = 1.0) -> float:
    """Return the p-value of the chi-square test that two samples have the same shares.

    Levels whose expected count is below 5 in either sample are pooled, so that the approximation holds.

    Parameters
    ----------
    first, second : ndarray of shape (n_levels,)
        Counts in the two samples.
    inflation : float
        Rows that weigh as much as one independent row; the statistic is divided by it.

    Returns
    -------
    float
        In [0, 1]; 1 if fewer than two levels are left.

    Examples
    --------
    >>> round(chi_square_p_value(np.array([30, 70]), np.array([45, 55])), 4)
    0.0285
    """
    table = np.vstack([first, second]).astype(np.float64)
    table = _pooled(table[:, table.sum(axis=0) > 0])
    if table.shape[1] < 2:  # noqa: PLR2004 - nothing to compare
        return 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float(np.sum(np.square(table - expected) / expected)) / inflation
    return chi_square_survival(statistic, table.shape[1] - 1)


def _pooled(table: Floats) -> Floats:
    """Add up the levels that are expected less than five times in the smaller sample."""
    totals = table.sum(axis=0)
    smaller = table.sum(axis=1).min() / table.sum()
    order = np.argsort(totals)
    rare = np.cumsum(totals[order]) * smaller < _SMALLEST_EXPECTED
    rare |= totals[order] * smaller < _SMALLEST_EXPECTED
    if not rare.any():
        return table
    kept, pooled = table[:, order[~rare]], table[:, order[rare]].sum(axis=1, keepdims=True)
    if pooled.sum() * smaller < _SMALLEST_EXPECTED and kept.shape[1]:
        kept[:, 0] += pooled[:, 0]
        return kept
    return np.hstack([kept, pooled])


def _digits(number: float | None) -> str:
    return "none" if number is None or math.isnan(number) else f"{number:.{_SIGNIFICANT}g}"


def _share(part: float, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
