"""A data set in a few kilobytes per column: what a drift check compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from headrace.ml.arrays import Floats, Ints
from headrace.ml.contract import ColumnSchema, Kind
from headrace.ml.statistics import variance_inflation

BINS = 256
MAX_LEVELS = 200
FORMAT = 1

_ROWS_FOR_DEPENDENCE = 16_384
_ROWS_FOR_QUANTILES = 1_000_000


@dataclass(frozen=True)
class ColumnProfile:
    """The distribution of one column.

    Parameters
    ----------
    name, kind : str
        As in the schema. Texts are profiled by their length in characters, images by that of their file in bytes.
    rows, missing : int
        All rows, and those without a value.
    edges : ndarray of shape (n_edges,)
        Numbers: upper ends of the bins, ascending; empty for other kinds.
    levels : tuple of str
        Categories and booleans: most frequent first; empty for other kinds.
    counts : ndarray
        Numbers: rows in each bin, one more than there are edges. Categories: rows of each level, then of all others.
    mean, sd : float or None
        Of the present numbers.
    inflation, missing_inflation : float
        How many rows weigh as much as one independent row, for the values and for the missing cells; at least 1.
    """

    name: str
    kind: Kind
    rows: int
    missing: int
    edges: Floats
    levels: tuple[str, ...]
    counts: Ints
    mean: float | None
    sd: float | None
    inflation: float
    missing_inflation: float

    @property
    def present(self) -> int:
        """Rows that have a value."""
        return self.rows - self.missing

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "rows": self.rows,
            "missing": self.missing,
            "edges": self.edges.tolist(),
            "levels": list(self.levels),
            "counts": self.counts.tolist(),
            "mean": self.mean,
            "sd": self.sd,
            "inflation": round(self.inflation, 3),
            "missing_inflation": round(self.missing_inflation, 3),
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        arrays = {
            "edges": np.asarray(entry["edges"], dtype=np.float64),
            "counts": np.asarray(entry["counts"], dtype=np.int64),
            "levels": tuple(entry["levels"]),
        }
        return cls(**{**entry, **arrays})


@dataclass(frozen=True)
class Profile:
    """The distributions of a data set, and of what a model predicted for it.

    Parameters
    ----------
    rows : int
        Rows of the data set.
    features : tuple of ColumnProfile
        In the order of the schema.
    prediction : ColumnProfile or None
        Of the predictions: a number in a regression, a label otherwise.
    """

    rows: int
    features: tuple[ColumnProfile, ...]
    prediction: ColumnProfile | None = None

    @property
    def columns(self) -> tuple[ColumnProfile, ...]:
        """All distributions, the predictions last."""
        return self.features + ((self.prediction,) if self.prediction else ())

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "format": FORMAT,
            "rows": self.rows,
            "features": [column.as_dict() for column in self.features],
            "prediction": self.prediction.as_dict() if self.prediction else None,
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
            raise ValueError(f"the profile has format {document.get('format')!r}, this code reads {FORMAT}")
        prediction = document["prediction"]
        return cls(
            document["rows"],
            tuple(ColumnProfile.from_dict(entry) for entry in document["features"]),
            ColumnProfile.from_dict(prediction) if prediction else None,
        )


def profile_frame(
    frame: pd.DataFrame,
    schema: Sequence[ColumnSchema],
    *,
    predictions: Sequence[Any] | None = None,
    like: Profile | None = None,
) -> Profile:
    """Profile rows and, if given, the predictions for rows.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Cleaned rows in the order of time, or of arrival.
    schema : sequence of ColumnSchema
        The columns to profile.
    predictions : sequence of shape (n_predictions,), optional
        Numbers, or labels as text. They need not be of the same rows.
    like : Profile, optional
        The reference, whose bins and levels are used, so that the two can be compared. Without it the bins hold equal
        shares of the rows.

    Returns
    -------
    Profile
        A few kilobytes per column.

    Examples
    --------
    >>> rows = pd.DataFrame({"temp": [0.1, 0.2, None], "season": ["fall", "fall", "spring"]})
    >>> schema = [ColumnSchema("temp", "number"), ColumnSchema("season", "category")]
    >>> temp, season = profile_frame(rows, schema).features
    >>> temp.missing, temp.mean, season.levels, season.counts.tolist()
    (1, 0.15000000000000002, ('fall', 'spring'), [2, 1, 0])
    """
    known = {column.name: column for column in like.features} if like else {}
    features = tuple(
        _profile_column(frame[column.name], column.name, column.kind, known.get(column.name))
        for column in schema
    )
    if predictions is None:
        return Profile(len(frame), features)
    series = pd.Series(predictions)
    kind = like.prediction.kind if like and like.prediction else _kind_of_predictions(series)
    prediction = _profile_column(series, "prediction", kind, like.prediction if like else None)
    return Profile(len(frame), features, prediction)


def _kind_of_predictions(predictions: pd.Series) -> Kind:
    return "number" if pd.api.types.is_numeric_dtype(predictions) else "category"


def _profile_column(column: pd.Series, name: str, kind: Kind, like: ColumnProfile | None) -> ColumnProfile:
    absent = column.isna().to_numpy()
    missing = int(absent.sum())
    column, measured = _measured(column, kind)
    numbers = np.empty(0)
    edges = np.empty(0)
    levels: tuple[str, ...] = ()
    if measured:
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)[~absent]
        edges = like.edges if like else quantile_edges(numbers)
        codes = np.searchsorted(edges, numbers, side="left")
        counts = np.bincount(codes, minlength=len(edges) + 1)
    elif kind == "datetime":
        codes, counts = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    else:
        levels, codes = _levels(_as_text(column[~absent], kind), like)
        counts = np.bincount(codes, minlength=len(levels) + 1)
    return ColumnProfile(
        name=name,
        kind=kind,
        rows=len(column),
        missing=missing,
        edges=edges,
        levels=levels,
        counts=counts.astype(np.int64),
        mean=float(numbers.mean()) if len(numbers) else None,
        sd=float(numbers.std()) if len(numbers) else None,
        inflation=_inflation_of_levels(codes, len(levels)) if levels else _inflation(codes),
        missing_inflation=_inflation(absent) if 0 < missing < len(column) else 1.0,
    )


def _measured(column: pd.Series, kind: Kind) -> tuple[pd.Series, bool]:
    """Return what stands for the column's values, and whether it is a number: of texts and images it is their length."""
    if kind in ("text", "image"):
        return column.map(len, na_action="ignore"), True
    return column, kind == "number"


def quantile_edges(numbers: Floats) -> Floats:
    """Return ascending bin edges: quantiles, and the point just below every value that fills a bin alone.

    With those points the distribution function is known on both sides of a jump, so a move away from a frequent value
    is seen even if it is smaller than the distance to the next one.

    Examples
    --------
    >>> quantile_edges(np.array([0.0, 0.0, 0.0, 1.0])).tolist()
    [-5e-324, 0.0, 0.9999999999999999, 1.0]
    """
    if not len(numbers):
        return np.empty(0)
    sample = numbers[:: max(1, len(numbers) // _ROWS_FOR_QUANTILES)]
    quantiles = np.quantile(sample, np.linspace(0.0, 1.0, BINS + 1), method="inverted_cdf")
    values, repeats = np.unique(quantiles, return_counts=True)
    alone = values[(repeats > 1) | (values == values[0])]
    return np.unique(np.concatenate([values, np.nextafter(alone, -np.inf)]))


def _as_text(column: pd.Series, kind: Kind) -> pd.Series:
    if kind == "boolean":
        return column.astype(float).map({0.0: "false", 1.0: "true"}).astype(object)
    return column.astype(str).astype(object)


def _levels(texts: pd.Series, like: ColumnProfile | None) -> tuple[tuple[str, ...], Ints]:
    """Return the levels and the index of each row's level; `len(levels)` for all others."""
    codes, found = pd.factorize(texts)
    if like:
        levels = like.levels
    else:
        counts = np.bincount(codes, minlength=len(found))
        ranked = sorted(range(len(found)), key=lambda index: (-counts[index], found[index]))
        levels = tuple(str(found[index]) for index in ranked[:MAX_LEVELS])
    position = {level: index for index, level in enumerate(levels)}
    translated = np.array([position.get(text, len(levels)) for text in found], dtype=np.int64)
    return levels, translated[codes] if len(found) else np.empty(0, dtype=np.int64)


def _inflation(values: np.ndarray[Any, Any]) -> float:
    """Return the inflation of the rows, or of a run of them if there are many."""
    return variance_inflation(values[:_ROWS_FOR_DEPENDENCE].astype(np.float64))


def _inflation_of_levels(codes: Ints, levels: int) -> float:
    """Return the mean inflation of the levels' shares, weighted by their variances (Rao and Scott 1981)."""
    run = codes[:_ROWS_FOR_DEPENDENCE]
    shares = np.bincount(run, minlength=levels + 1) / max(1, len(run))
    frequent = np.argsort(-shares)[:20]
    weights = shares[frequent] * (1 - shares[frequent])
    if weights.sum() <= 0:
        return 1.0
    each = [variance_inflation((run == level).astype(np.float64)) for level in frequent]
    return float(np.average(each, weights=weights))
