"""Where curated rows lie: the name follows from the file that they came from."""

from __future__ import annotations

import hashlib

from headrace.ml.table_names import PARTITION


def curated_folder(day: str) -> str:
    """Return the prefix of the rows of files that were dropped on a day, an ISO 8601 date.

    Examples
    --------
    >>> curated_folder("2026-01-31")
    'curated/ingest_date=2026-01-31/'
    """
    return f"curated/{PARTITION}={day}/"


def curated_key(source: str, day: str, part: int | None = None) -> str:
    """Return the key of the rows of `source`, or of one part of them.

    Examples
    --------
    >>> curated_key("incoming/rows.csv#1", "2026-01-31", 2)[-14:]
    '-00002.parquet'
    """
    return f"{curated_folder(day)}{_name(source)}{'' if part is None else f'-{part:05d}'}.parquet"


def profile_key(source: str, day: str) -> str:
    """Return the key of the profile of the rows of `source`.

    Examples
    --------
    >>> profile_key("incoming/rows.csv#1", "2026-01-31")[:27]
    'profiles/ingest/2026-01-31/'
    """
    return f"profiles/ingest/{day}/{_name(source)}.json"


def _name(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:32]
