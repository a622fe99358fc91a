"""What differs between the columns of two profiles: how much, how surely, and between how many independent rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.calibration import Calibration, ColumnCalibration
from headrace.ml.dependence import Dependence, constant_dependence
from headrace.ml.drift_levels import levels_p_value, total_variation, unseen_p_value
from headrace.ml.drift_numbers import TERMS, moved_shares, numbers_p_values
from headrace.ml.profile_column import ColumnProfile
from headrace.ml.statistics import student_p_value

LEAST_VALUES = 30
"""Fewer values in the reference or in the window are not compared."""

_SIGNIFICANT = 3
_SHARE_OF_KNOWN_LEVELS = 0.8
_MEASURED = {"number": "mean", "text": "mean length", "image": "mean size in bytes"}
"""What is compared of each kind that is measured, rather than counted."""

Pair = tuple[ColumnProfile, ColumnProfile]


@dataclass(frozen=True)
class Difference:
    """One thing that may have changed in a column.

    Parameters
    ----------
    effect : float
        Share of rows that moved, less what chance alone would show; 0 to 1.
    p_value : float
        Chance of such a difference without drift.
    independent_rows : float
        How many independent rows the window weighs as much as.
    summary : str
        From what to what.
    """

    effect: float
    p_value: float
    independent_rows: float
    summary: str


def differences(pairs: Sequence[Pair], calibration: Calibration) -> dict[str, list[Difference]]:
    """Return what differs in each column: its values, and the share of its missing cells if there are any.

    Parameters
    ----------
    pairs : sequence of (ColumnProfile, ColumnProfile)
        Of the reference and of the window, made like it.
    calibration : Calibration
        Of the reference. Columns that it does not have are judged by the autocorrelation that their profiles show.

    Returns
    -------
    dict of str to list of Difference
        By column; an empty list where nothing can be compared.
    """
    known = {
        old.name: calibration.columns.get(old.name) or _by_autocorrelation(old, new) for old, new in pairs
    }
    found: dict[str, list[Difference]] = {old.name: [] for old, _ in pairs}
    comparable = [(old, new) for old, new in pairs if min(old.present, new.present) >= LEAST_VALUES]
    numbers = [(old, new) for old, new in comparable if old.kind in _MEASURED]
    for (old, _), difference in zip(numbers, _of_numbers(numbers, known), strict=True):
        found[old.name].append(difference)
    for old, new in comparable:
        if old.kind in ("category", "boolean"):
            found[old.name].append(_of_levels(old, new, known[old.name].values[0]))
    for old, new in pairs:
        if min(old.rows, new.rows) >= LEAST_VALUES and (old.missing or new.missing):
            found[old.name].append(_of_missing(old, new, known[old.name].missing))
    return found


def _by_autocorrelation(old: ColumnProfile, new: ColumnProfile) -> ColumnCalibration:
    """Take the inflation of the reference; of a window that is longer, the larger one."""
    longer = new.rows > old.rows
    values = max(old.inflation, new.inflation) if longer else old.inflation
    missing = max(old.missing_inflation, new.missing_inflation) if longer else old.missing_inflation
    return ColumnCalibration((constant_dependence(values),), constant_dependence(missing))


def _of_numbers(pairs: Sequence[Pair], known: Mapping[str, ColumnCalibration]) -> list[Difference]:
    if not pairs:
        return []
    counts = [old.counts for old, _ in pairs], [new.counts for _, new in pairs]
    calibrated = [known[old.name].values for old, _ in pairs]
    before, after = (_effective_rows([pair[side].present for pair in pairs], calibrated) for side in (0, 1))
    rows = before.terms.min(axis=1), after.terms.min(axis=1)
    p_values = numbers_p_values(*counts, rows, (before.terms, after.terms))
    effects = moved_shares(*counts, rows)
    return [
        Difference(
            float(effect),
            student_p_value(float(p_value), blocks),
            float(independent),
            f"{_MEASURED[old.kind]} {_digits(old.mean)} → {_digits(new.mean)}",
        )
        for (old, new), effect, p_value, blocks, independent in zip(
            pairs, effects, p_values, after.blocks, rows[1], strict=True
        )
    ]


@dataclass(frozen=True)
class _EffectiveRows:
    terms: Floats
    blocks: list[float]


def _effective_rows(rows: Sequence[int], calibrated: Sequence[tuple[Dependence, ...]]) -> _EffectiveRows:
    """Return the independent rows of each term of each column; higher terms depend as the last one that was measured."""
    terms, blocks = np.empty((len(rows), TERMS)), []
    for column, (present, dependences) in enumerate(zip(rows, calibrated, strict=True)):
        measured = [dependence.at(present) for dependence in dependences]
        inflation = [value for value, _ in measured]
        terms[column] = present / np.array(inflation + inflation[-1:] * (TERMS - len(inflation)))
        blocks.append(min(count for _, count in measured))
    return _EffectiveRows(terms, blocks)


def _of_levels(old: ColumnProfile, new: ColumnProfile, dependence: Dependence) -> Difference:
    inflation, blocks = _inflation(dependence, old.present, new.present)
    p_value = levels_p_value(old.counts, new.counts, inflation)
    if new.counts[-1]:
        unseen = unseen_p_value(old.counts, new.counts, inflation)
        p_value = min(1.0, p_value / _SHARE_OF_KNOWN_LEVELS, unseen / (1.0 - _SHARE_OF_KNOWN_LEVELS))
    change = new.counts / new.present - old.counts / old.present
    moved = int(np.argmax(np.abs(change)))
    level = old.levels[moved] if moved < len(old.levels) else "levels not seen in training"
    return Difference(
        total_variation(old.counts, new.counts, inflation),
        student_p_value(p_value, blocks),
        new.present / inflation,
        f"{level}: {_share(old.counts[moved], old.present)} → {_share(new.counts[moved], new.present)}",
    )


def _of_missing(old: ColumnProfile, new: ColumnProfile, dependence: Dependence) -> Difference:
    inflation, blocks = _inflation(dependence, old.rows, new.rows)
    before, after = (np.array([column.missing, column.present, 0]) for column in (old, new))
    return Difference(
        total_variation(before, after, inflation),
        student_p_value(levels_p_value(before, after, inflation), blocks),
        new.rows / inflation,
        f"missing: {_share(old.missing, old.rows)} → {_share(new.missing, new.rows)}",
    )


def _inflation(dependence: Dependence, rows_before: int, rows_after: int) -> tuple[float, float]:
    """Return one inflation for both samples: what the difference of their averages has."""
    before, (after, blocks) = dependence.at(rows_before)[0], dependence.at(rows_after)
    total = before / rows_before + after / rows_after
    return total / (1.0 / rows_before + 1.0 / rows_after), blocks


def _digits(number: float | None) -> str:
    return "none" if number is None or math.isnan(number) else f"{number:.{_SIGNIFICANT}g}"


def _share(part: float, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
