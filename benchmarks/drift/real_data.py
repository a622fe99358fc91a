"""Real rows: which drift, and which do not.

The rentals of the demo (CC BY 4.0) are always there. A folder given by ``--data`` may hold ``adult/train.csv``,
``beijing_pm25/beijing_pm25.csv`` (UCI Machine Learning Repository) and ``elec2/elec.csv`` (the New South Wales
electricity market), each with a header; what is not there is left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.drift.calibrated import Reference
from benchmarks.drift.twenty_columns import Frame
from headrace.ml.column_schema import ColumnSchema

_RATE = 0.05
_RENTALS = Path("demo/data/bike_sharing/hour.csv")
_SPLITS = 40
_WINDOW = 1000

Case = tuple[Frame, Frame]


def measure(data: Path | None = None) -> dict[str, float]:
    """Return the share of windows that are flagged in any column, at a rate of 5 %."""
    print("real rows …", file=sys.stderr)
    found = {
        "bike_2011_to_2012": _share(_rentals(drop=())),
        "bike_without_the_year": _share(_rentals(drop=("yr",))),
    }
    files = {
        "adult_random_splits": ("adult/train.csv", _random_splits),
        "beijing_same_season": ("beijing_pm25/beijing_pm25.csv", _same_season),
        "elec2_later_weeks": ("elec2/elec.csv", _later_weeks),
    }
    for name, (path, cases) in files.items():
        if data and (data / path).is_file():
            found[name] = _share(cases(pd.read_csv(data / path)))
    return {name: round(share, 3) for name, share in found.items()}


def _share(cases: Iterator[Case]) -> float:
    """Return the share of windows that are flagged; a reference that stays the same is profiled once."""
    flagged, last, reference = [], None, None
    for rows, window in cases:
        if reference is None or rows is not last:
            reference, last = Reference.of(rows, _schema(rows)), rows
        flagged.append(bool(reference.flagged(window, _RATE)))
    return float(np.mean(flagged))


def _schema(rows: Frame) -> list[ColumnSchema]:
    return [
        ColumnSchema(name, "category" if cells.dtype == object else "number") for name, cells in rows.items()
    ]


def _frame(rows: pd.DataFrame) -> Frame:
    """Return text as categories and everything else as numbers."""
    return {
        str(name): cells.to_numpy(dtype=np.float64)
        if pd.api.types.is_numeric_dtype(cells)
        else cells.astype(object).where(cells.notna(), None).to_numpy()
        for name, cells in rows.items()
    }


def _rentals(drop: tuple[str, ...]) -> Iterator[Case]:
    """Yield every month of 2012 beside all of 2011."""
    hours = pd.read_csv(_RENTALS)
    rows = hours.drop(columns=["instant", "dteday", "mnth", "season", *drop])
    reference = _frame(rows[hours["yr"] == 0])
    for month in range(1, 13):
        yield reference, _frame(rows[(hours["yr"] == 1) & (hours["mnth"] == month)])


def _random_splits(rows: pd.DataFrame) -> Iterator[Case]:
    """Yield ten times as many people, and a thousand others, forty times."""
    for seed in range(_SPLITS):
        order = np.random.default_rng(seed).permutation(len(rows))
        yield _frame(rows.iloc[order[_WINDOW : 11 * _WINDOW]]), _frame(rows.iloc[order[:_WINDOW]])


def _same_season(rows: pd.DataFrame) -> Iterator[Case]:
    """Yield the hours of a quarter of 2010 to 2012, and a month of the same quarter of a later year."""
    weather = rows.drop(columns=["No", "year", "month", "day"])
    for quarter in range(4):
        months = range(3 * quarter + 1, 3 * quarter + 4)
        season = rows["month"].isin(months)
        reference = _frame(weather[season & (rows["year"] <= 2012)])  # noqa: PLR2004 - of five years
        for year in (2013, 2014):
            for month in months:
                yield reference, _frame(weather[(rows["year"] == year) & (rows["month"] == month)])


def _later_weeks(rows: pd.DataFrame) -> Iterator[Case]:
    """Yield the first third of the half-hours, and every fourth week of the last third."""
    reference, week = _frame(rows.iloc[: len(rows) // 3]), 336
    for start in range(2 * len(rows) // 3, len(rows) - week, 4 * week):
        yield reference, _frame(rows.iloc[start : start + week])
