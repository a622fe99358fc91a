"""Cuts the bike-sharing data into what arrives when: labelled files, traffic, and the truth to compare with."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

DATA = Path(__file__).parent / "data" / "bike_sharing" / "hour.csv"
TARGET = "cnt"
LEAKS = ["casual", "registered"]
"""Columns that add up to the target: known only afterwards, so traffic does not carry them."""

_HOLD_BACK_EVERY = 5


def load_months() -> dict[str, pd.DataFrame]:
    """Return the rows of each month, by its name such as ``2011-01``, in the order of time."""
    hours = pd.read_csv(DATA, dtype={"dteday": str})
    return {str(month): rows for month, rows in hours.groupby(hours["dteday"].str[:7])}


def hold_back(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep every fifth day out of `rows`; return (the rest, the days kept out).

    Both parts come from the same season, so a model of the first must not see drift in the second.
    """
    day = pd.to_datetime(rows["dteday"]).dt.day_of_year
    kept_out = day % _HOLD_BACK_EVERY == _HOLD_BACK_EVERY - 1
    return rows[~kept_out], rows[kept_out]


def as_file(rows: pd.DataFrame) -> bytes:
    """Return `rows` as a labelled CSV file."""
    return rows.to_csv(index=False).encode()


def with_broken_rows(file: bytes) -> bytes:
    """Append three rows no pipeline should learn from: a word for a number, no target, a cut line."""
    broken = (
        "900001,2011-03-31,1,0,3,23,0,4,1,2,warm,0.27,0.8,0.1,1,2,3\n"
        "900002,2011-03-31,1,0,3,23,0,4,1,2,0.3,0.27,0.8,0.1,1,2,\n"
        "900003,2011-03-31,1,0\n"
    )
    return file + broken.encode()


def as_requests(rows: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """Return one request per day: (CSV with header and without anything that only the future knows, truth)."""
    return [
        (day.drop(columns=[TARGET, *LEAKS]).to_csv(index=False), day[TARGET])
        for _, day in rows.groupby("dteday")
    ]
