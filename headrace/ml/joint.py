"""Finds columns that no longer go together as they did, even if none of them has moved by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.dependence import INDEPENDENT, Dependence, fit_dependence
from headrace.ml.joint_profile import Coordinate, JointProfile
from headrace.ml.statistics import student_p_value

SMALLEST_CHANGE = 0.1
"""Of a correlation; smaller ones are never drift."""

_LEAST_ROWS = 30
_LEAST_ERROR = 1e-3


@dataclass(frozen=True)
class JointDrift:
    """What happened to the correlations between columns.

    Parameters
    ----------
    drifted : bool
        True if `p_value` is below `threshold` and `effect` is at least `floor`.
    effect : float
        Change of the rank correlation of the pair that changed most, less what chance alone would show; 0 to 2.
    p_value : float
        Chance of such a change in any pair without drift.
    threshold : float
        Limit of `p_value`.
    floor : float
        Least effect that counts.
    pair : tuple of str
        The two columns; of a category with the level, as in ``season=winter``.
    summary : str
        From what to what.
    rows : int
        Rows of the window that were looked at.
    """

    drifted: bool
    effect: float
    p_value: float
    threshold: float
    floor: float
    pair: tuple[str, str]
    summary: str
    rows: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def compare_jointly(
    coordinates: Sequence[Coordinate],
    reference: JointProfile,
    window: JointProfile,
    dependence: Mapping[str, Dependence],
    threshold: float,
) -> JointDrift | None:
    r"""Compare the correlations of every pair of columns.

    The change of each correlation is judged by Bernstein's inequality [1]_,

    .. math:: p \le 2 \exp\left(-\frac{t^2 / 2}{1 + M t / (3 \sigma \sqrt{n_e})}\right),

    with the change :math:`t` in standard errors, the standard deviation :math:`\sigma` of one row's part in it and the
    largest possible product :math:`M` of two coordinates. It holds in the far tail that a thousand pairs need, where the
    normal law does not. Then by the number of pairs (Bonferroni).

    Parameters
    ----------
    coordinates : sequence of Coordinate
        Of the reference.
    reference, window : JointProfile
        In these coordinates.
    dependence : mapping of str to Dependence
        How the correlations of the reference's own windows vary, by `pair_key`; what it does not have is independent.
    threshold : float
        Limit of the p-value.

    Returns
    -------
    JointDrift or None
        None if there are fewer than two columns or fewer than 30 rows to compare.

    References
    ----------
    .. [1] Bernstein, S. (1946). Theory of Probability, 4th ed. Moscow.
    """
    first, second = pairs_of(coordinates)
    if not len(first) or reference.errors is None or min(reference.rows, window.rows) < _LEAST_ROWS:
        return None
    before, after = (each.correlations()[first, second] for each in (reference, window))
    factors, blocks = _inflation(coordinates, dependence, first, second, window.rows)
    effective = factors * (1.0 / reference.rows + 1.0 / (window.rows - 3))
    variances = np.maximum(reference.errors[first, second], _LEAST_ERROR)
    errors = variances * effective
    change = np.nan_to_num(np.abs(after - before))
    largest = np.array([np.abs(coordinate.scores).max() for coordinate in coordinates])
    deviates = change / np.sqrt(errors)
    bounds = largest[first] * largest[second] * np.sqrt(effective / variances)
    logs = _bernstein(deviates, bounds)
    most = int(np.argmin(logs))
    p_value = min(1.0, 2.0 * len(first) * math.exp(logs[most]))
    return _judged(
        (coordinates[first[most]].name, coordinates[second[most]].name),
        (before[most], after[most]),
        math.sqrt(max(0.0, change[most] ** 2 - errors[most])),
        student_p_value(p_value, blocks[most]),
        threshold,
        window.rows,
    )


def _judged(
    pair: tuple[str, str],
    correlations: tuple[float, float],
    effect: float,
    p_value: float,
    threshold: float,
    rows: int,
) -> JointDrift:
    before, after = correlations
    summary = f"rank correlation of {pair[0]} and {pair[1]}: {before:.2f} → {after:.2f}"
    drifted = p_value < threshold and effect >= SMALLEST_CHANGE
    return JointDrift(drifted, round(effect, 6), p_value, threshold, SMALLEST_CHANGE, pair, summary, rows)


def _bernstein(deviates: Floats, bounds: Floats) -> Floats:
    logs: Floats = -np.square(deviates) / 2.0 / (1.0 + bounds * deviates / 3.0)
    return logs


def pairs_of(coordinates: Sequence[Coordinate]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the places of the coordinates of each pair; two levels of one column are none."""
    first, second = np.triu_indices(len(coordinates), 1)
    names = np.array([coordinate.column for coordinate in coordinates], dtype=object)
    apart = names[first] != names[second] if len(first) else np.zeros(0, dtype=bool)
    return first[apart], second[apart]


def pair_key(first: Coordinate, second: Coordinate) -> str:
    """Return what a pair is called in a calibration."""
    return f"{first.name} & {second.name}"


def _inflation(
    coordinates: Sequence[Coordinate],
    dependence: Mapping[str, Dependence],
    first: np.ndarray[Any, Any],
    second: np.ndarray[Any, Any],
    rows: int,
) -> tuple[Floats, list[float]]:
    keys = (pair_key(coordinates[i], coordinates[j]) for i, j in zip(first, second, strict=True))
    known = [dependence.get(key, INDEPENDENT).at(rows) for key in keys]
    return np.array([inflation for inflation, _ in known]), [blocks for _, blocks in known]


def calibrate_jointly(
    coordinates: Sequence[Coordinate],
    reference: JointProfile,
    blocks: Sequence[JointProfile],
    inflation: Mapping[str, float],
) -> dict[str, Dependence]:
    """Learn how much the correlations vary between consecutive blocks of the reference.

    Parameters
    ----------
    coordinates : sequence of Coordinate
        Of the reference.
    reference : JointProfile
        Of all rows.
    blocks : sequence of JointProfile
        Of consecutive rows, in their order.
    inflation : mapping of str to float
        How many rows weigh as much as one independent row, by column. What two columns have in common lasts about as long
        as the shorter-lived of them does: as far as the blocks do not contradict it, that holds for pairs of which the
        reference shows too little, such as a weather that came on three days.

    Returns
    -------
    dict of str to Dependence
        By `pair_key`; pairs whose rows are independent as far as can be seen are left out.
    """
    if reference.errors is None:
        return {}
    rows = np.array([float(block.rows) for block in blocks])
    products = np.array([block.products for block in blocks])
    correlations = np.nan_to_num(reference.correlations())
    found = {}
    for i, j in zip(*pairs_of(coordinates), strict=True):
        parts = products[:, i, j] - correlations[i, j] * (products[:, i, i] + products[:, j, j]) / 2.0
        fitted = fit_dependence(
            parts[:, None],
            rows,
            max(float(reference.errors[i, j]), _LEAST_ERROR),
            nearby=min(inflation.get(coordinates[k].column, 1.0) for k in (i, j)),
        )
        if fitted != INDEPENDENT:
            found[pair_key(coordinates[i], coordinates[j])] = fitted
    return found
