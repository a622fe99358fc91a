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
    name = hashlib.sha256(source.encode()).hexdigest()[:32]
    return f"{curated_folder(day)}{name}{'' if part is None else f'-{part:05d}'}.parquet"
