"""Where labelled predictions lie: the name follows from the file of predictions that they are of."""

from __future__ import annotations

import hashlib
from datetime import date

LABELLED = "labelled/"


def labelled_name(predictions: str) -> str:
    """Return what the labelled ones of a file of predictions are called.

    Examples
    --------
    >>> labelled_name("predictions/variant=v3/date=2026-01-31/a.parquet")
    '4462ddf2c18f5d939c1250d39d6f2884.parquet'
    """
    return f"{hashlib.sha256(predictions.encode()).hexdigest()[:32]}.parquet"


def labelled_key(predictions: str, day: date) -> str:
    """Return where the labelled ones of a file of predictions are.

    Examples
    --------
    >>> labelled_key("predictions/variant=v3/date=2026-01-31/a.parquet", date(2026, 1, 31))
    'labelled/date=2026-01-31/4462ddf2c18f5d939c1250d39d6f2884.parquet'
    """
    return f"{LABELLED}date={day.isoformat()}/{labelled_name(predictions)}"
