"""How far the reference's own consecutive windows differ from each other: what is not drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.dependence import INDEPENDENT, Dependence, fit_dependence
from headrace.ml.drift_numbers import score_functions
from headrace.ml.joint import calibrate_jointly
from headrace.ml.profile import Profile
from headrace.ml.profile_column import ColumnProfile

FORMAT = 1
MOST_BLOCKS = 128
LEAST_BLOCKS = 16
LEAST_ROWS = 30

_TERMS = 3


@dataclass(frozen=True)
class ColumnCalibration:
    """How one column's averages vary between windows.

    Parameters
    ----------
    values : tuple of Dependence
        Numbers: of location, spread and skewness. Categories: one, of the shares of all levels.
    missing : Dependence
        Of the share of missing cells.
    """

    values: tuple[Dependence, ...]
    missing: Dependence

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"values": [each.as_dict() for each in self.values], "missing": self.missing.as_dict()}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        return cls(tuple(map(Dependence.from_dict, entry["values"])), Dependence.from_dict(entry["missing"]))


@dataclass(frozen=True)
class Calibration:
    """How a reference's own windows vary.

    Parameters
    ----------
    columns : dict of str to ColumnCalibration
        By column.
    joint : dict of str to Dependence
        By pair of columns, of their correlation; pairs of independent rows are left out.
    """

    columns: Mapping[str, ColumnCalibration]
    joint: Mapping[str, Dependence] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "format": FORMAT,
            "columns": {name: column.as_dict() for name, column in self.columns.items()},
            "joint": {pair: dependence.as_dict() for pair, dependence in self.joint.items()},
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote.

        Raises
        ------
        ValueError
            If another version of the format wrote it.
        """
        if document.get("format") != FORMAT:
            raise ValueError(
                f"the calibration has format {document.get('format')!r}, this code reads {FORMAT}"
            )
        return cls(
            {name: ColumnCalibration.from_dict(entry) for name, entry in document["columns"].items()},
            {pair: Dependence.from_dict(entry) for pair, entry in document.get("joint", {}).items()},
        )


def block_slices(rows: int) -> list[slice]:
    """Cut rows into consecutive blocks of equal length: up to 128, of 30 rows at least.

    Returns
    -------
    list of slice
        A multiple of 16 of them; the last rows, too few for another block, are left out. Empty if there are too few rows
        for 16 blocks.

    Examples
    --------
    >>> len(block_slices(10_000)), block_slices(10_000)[-1], block_slices(479)
    (128, slice(9906, 9984, None), [])
    """
    blocks = min(MOST_BLOCKS, rows // LEAST_ROWS // LEAST_BLOCKS * LEAST_BLOCKS)
    length = rows // blocks if blocks else 0
    return [slice(start * length, (start + 1) * length) for start in range(blocks)]


def calibrate(reference: Profile, blocks: Sequence[Profile]) -> Calibration:
    """Learn from consecutive blocks of the reference how much its windows vary.

    Parameters
    ----------
    reference : Profile
        Of all rows.
    blocks : sequence of Profile
        Of the rows cut by `block_slices`, in their order, each made with ``like=reference``.

    Returns
    -------
    Calibration
        With every column that is in all blocks; columns of fewer than 16 blocks are left out, and judged by the
        autocorrelation that the profile itself has measured.

    Examples
    --------
    >>> from headrace.ml.column_schema import ColumnSchema
    >>> from headrace.ml.profile import profile_frame
    >>> schema, temp = [ColumnSchema("temp", "number")], np.repeat(np.random.default_rng(0).normal(size=200), 50)
    >>> reference = profile_frame({"temp": temp}, schema)
    >>> blocks = [profile_frame({"temp": temp[rows]}, schema, like=reference) for rows in block_slices(10_000)]
    >>> location = calibrate(reference, blocks).columns["temp"].values[0]
    >>> location.at(1000)[0] > 10
    True
    """
    if len(blocks) < LEAST_BLOCKS:
        return Calibration({})
    named = [{column.name: column for column in block.columns} for block in blocks]
    columns = {
        column.name: _calibrated(column, [block[column.name] for block in named])
        for column in reference.columns
        if all(column.name in block for block in named)
    }
    return Calibration(columns, _of_pairs(reference, blocks, columns))


def _of_pairs(
    reference: Profile, blocks: Sequence[Profile], columns: Mapping[str, ColumnCalibration]
) -> dict[str, Dependence]:
    joint = [block.joint for block in blocks if block.joint]
    if not reference.joint or len(joint) < len(blocks):
        return {}
    inflation = {name: max(column.values[0].inflation, default=1.0) for name, column in columns.items()}
    return calibrate_jointly(reference.coordinates, reference.joint, joint, inflation)


def _calibrated(column: ColumnProfile, blocks: Sequence[ColumnProfile]) -> ColumnCalibration:
    present = np.array([block.present for block in blocks], dtype=np.float64)
    missing = np.array([block.missing for block in blocks], dtype=np.float64)
    return ColumnCalibration(
        _of_values(column, np.array([block.counts for block in blocks], dtype=np.float64), present),
        fit_dependence(
            missing[:, None],
            present + missing,
            _variances(missing.sum(), present.sum()),
            nearby=column.missing_inflation,
        ),
    )


def _of_values(column: ColumnProfile, counts: Floats, rows: Floats) -> tuple[Dependence, ...]:
    if np.count_nonzero(counts.sum(axis=0)) < 2:  # noqa: PLR2004 - constant, or without any value
        return (INDEPENDENT,)
    if not len(column.edges):
        totals = counts.sum(axis=0)
        variance = _variances(totals, totals.sum() - totals)
        return (fit_dependence(counts, rows, variance, nearby=column.inflation),)
    shares = counts.sum(axis=0) / counts.sum()
    location, *others = (each for each in score_functions(shares[None, :])[:_TERMS, 0] if each.any())
    return (
        fit_dependence(counts @ location[:, None], rows, 1.0, nearby=column.inflation),
        *(fit_dependence(counts @ function[:, None], rows, 1.0) for function in others),
    )


def _variances(having: Any, others: Any) -> float:
    """Return the variance of an indicator, added up over levels."""
    shares = np.atleast_1d(having / np.maximum(1.0, having + others))
    return float(np.sum(shares * (1.0 - shares)))
