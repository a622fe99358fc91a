"""How columns go together, in a few kilobytes that can be added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from headrace.ml.arrays import Floats, Ints
from headrace.ml.drift_numbers import score_functions
from headrace.ml.profile_column import ColumnProfile

MOST_COORDINATES = 64
MOST_ROWS = 16_384
"""Of more rows an even sample is taken."""

_LEAST_SHARE = 0.05
_MOST_LEVELS = 3
_DIGITS = 6
_ROUNDED_AWAY = 1e-5
"""Of the mean square: a variance that small is what rounding to six digits leaves of none."""


@dataclass(frozen=True)
class Coordinate:
    """A column as a number of mean 0 and variance 1 in the reference.

    Parameters
    ----------
    column, level : str
        A number's level is empty: its values are its rank. A category has a coordinate for each of its frequent levels,
        which says whether a row has it.
    scores : ndarray of shape (n_codes,)
        Value of each bin or level; the last one is for missing cells.
    """

    column: str
    level: str
    scores: Floats

    @property
    def name(self) -> str:
        """What to call it."""
        return f"{self.column}={self.level}" if self.level else self.column


def coordinates_of(columns: Sequence[ColumnProfile]) -> list[Coordinate]:
    """Return the coordinates of a reference: up to 64, of its numbers, categories and booleans.

    A level must hold 5 to 95 % of the rows, and a column gives three levels at most, one if it has only two.
    """
    found: list[Coordinate] = []
    for column in columns:
        if column.present and column.kind == "number":
            found += _of_number(column)
        elif column.present and column.kind in ("category", "boolean"):
            found += _of_levels(column)
    return found[:MOST_COORDINATES]


def _of_number(column: ColumnProfile) -> list[Coordinate]:
    location = score_functions(column.counts[None, :] / column.present)[0, 0]
    return [Coordinate(column.name, "", np.append(location, 0.0))] if location.any() else []


def _of_levels(column: ColumnProfile) -> list[Coordinate]:
    shares = column.counts[:-1] / column.present
    frequent = np.flatnonzero((shares >= _LEAST_SHARE) & (shares <= 1.0 - _LEAST_SHARE))[:_MOST_LEVELS]
    chosen = frequent[:1] if len(shares) <= 2 else frequent  # noqa: PLR2004 - one of two says all
    found = []
    for level in chosen:
        share = shares[level]
        scores = np.full(len(column.counts) + 1, -share)
        scores[level], scores[-1] = 1.0 - share, 0.0
        found.append(Coordinate(column.name, column.levels[level], scores / np.sqrt(share * (1.0 - share))))
    return found


@dataclass(frozen=True)
class JointProfile:
    """Sums of coordinates and of their products.

    Parameters
    ----------
    rows : int
        Rows that were added up.
    sums : ndarray of shape (n_coordinates,)
    products : ndarray of shape (n_coordinates, n_coordinates)
    errors : ndarray of shape (n_coordinates, n_coordinates), optional
        Of a reference: the variance of one row's part in each correlation.
    """

    rows: int
    sums: Floats
    products: Floats
    errors: Floats | None = None

    def correlations(self) -> Floats:
        """Return the correlation of each pair; NaN where a coordinate is constant.

        Examples
        --------
        >>> values = np.array([[-1.0, -2.0], [0.0, 0.0], [1.0, 2.0]])
        >>> JointProfile(3, values.sum(axis=0), values.T @ values).correlations()[0, 1].round(6)
        np.float64(1.0)
        """
        means = self.sums / self.rows
        covariances = self.products / self.rows - np.outer(means, means)
        variances = np.diag(covariances).copy()
        variances[variances <= _ROUNDED_AWAY * np.diag(self.products) / self.rows] = np.nan
        spreads = np.sqrt(variances)
        found: Floats = np.clip(covariances / np.outer(spreads, spreads), -1.0, 1.0)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it: of the symmetric tables, one half."""
        half = np.triu_indices(len(self.sums))
        document = {
            "rows": self.rows,
            "sums": _rounded(self.sums),
            "products": _rounded(self.products[half]),
        }
        return document if self.errors is None else document | {"errors": _rounded(self.errors[half])}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        size = len(entry["sums"])
        errors = _square(entry["errors"], size) if "errors" in entry else None
        return cls(
            entry["rows"], np.array(entry["sums"], dtype=float), _square(entry["products"], size), errors
        )


def profile_jointly(
    coordinates: Sequence[Coordinate], codes: Mapping[str, Ints], *, is_reference: bool = False
) -> JointProfile:
    """Add up coordinates and their products over rows.

    Parameters
    ----------
    coordinates : sequence of Coordinate
        Of the reference.
    codes : mapping of str to ndarray of shape (n_rows,)
        By column, the bin or level of each row; -1 where the cell is missing.
    is_reference : bool
        Whether to measure the errors of correlations, too.
    """
    rows = len(next(iter(codes.values()))) if codes else 0
    values = np.empty((rows, len(coordinates)))
    for place, coordinate in enumerate(coordinates):
        values[:, place] = coordinate.scores[codes[coordinate.column]]
    joint = JointProfile(rows, values.sum(axis=0), values.T @ values)
    return replace(joint, errors=_errors(joint, values)) if is_reference and rows else joint


def _errors(joint: JointProfile, values: Floats) -> Floats:
    r"""Return the variance of :math:`xy - \rho (x^2 + y^2) / 2` for each pair: a row's part in the correlation."""
    correlations = np.nan_to_num(joint.correlations())
    spreads = np.maximum(values.std(axis=0), np.finfo(float).tiny)
    standard = (values - values.mean(axis=0)) / spreads
    squares = np.square(standard)
    both = squares.T @ squares / len(values)
    cubes = (squares * standard).T @ standard / len(values)
    fourth = np.square(squares).mean(axis=0)
    ends = fourth[:, None] + fourth[None, :] + 2.0 * both
    found: Floats = both - correlations * (cubes + cubes.T) + np.square(correlations) * ends / 4.0
    return np.maximum(0.0, found)


def merge_jointly(parts: Sequence[JointProfile | None]) -> JointProfile | None:
    """Return the sums over the rows of all parts; None if the parts do not have the same coordinates."""
    known = [part for part in parts if part is not None]
    if not known or len({len(part.sums) for part in known}) > 1:
        return None
    return JointProfile(
        sum(part.rows for part in known),
        np.sum([part.sums for part in known], axis=0),
        np.sum([part.products for part in known], axis=0),
    )


def sampled_rows(rows: int) -> slice:
    """Return which rows to add up: all, or an even sample of them.

    Examples
    --------
    >>> sampled_rows(1000), sampled_rows(1_000_000)
    (slice(None, None, 1), slice(None, None, 62))
    """
    return slice(None, None, max(1, -(-rows // MOST_ROWS)))


def _rounded(values: Floats) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in values.tolist()]


def _square(half: Sequence[float], size: int) -> Floats:
    table = np.zeros((size, size))
    table[np.triu_indices(size)] = half
    return np.triu(table) + np.triu(table, 1).T
