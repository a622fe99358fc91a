"""Where an import has come to: a value of the column that only grows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

Value = datetime | date | int | float | Decimal | str | UUID

_READ: dict[str, Callable[[str], Value]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "int": int,
    "float": float,
    "Decimal": Decimal,
    "str": str,
    "UUID": UUID,
}
_LONGEST_IN_A_KEY = 64
_DIGITS = 20  # of a BIGINT


@dataclass(frozen=True)
class Watermark:
    """One value of the watermark's column, as it travels through the ledger and the state machine.

    Parameters
    ----------
    kind : str
        Name of the value's Python type.
    text : str
        The value in ISO 8601, in decimal or as it is; nothing is lost.
    """

    kind: str
    text: str

    @classmethod
    def of(cls, value: object) -> Watermark:
        """Keep a value that a database returned.

        Raises
        ------
        TypeError
            If it is of a kind that has no order.

        Examples
        --------
        >>> Watermark.of(datetime(2026, 1, 31, 12, 30))
        Watermark(kind='datetime', text='2026-01-31T12:30:00')
        """
        kind = type(value).__name__
        if kind not in _READ or not isinstance(value, Value):
            raise TypeError(f"a watermark is a timestamp, a date, a number or a text, not a {kind}")
        return cls(kind, value.isoformat() if isinstance(value, date) else str(value))

    @classmethod
    def parse(cls, token: str) -> Watermark:
        """Read what `token` wrote.

        Examples
        --------
        >>> Watermark.parse("int:42").value
        42
        """
        kind, _, text = token.partition(":")
        return cls(kind, text)

    @property
    def token(self) -> str:
        """The watermark as one text."""
        return f"{self.kind}:{self.text}"

    @property
    def value(self) -> Value:
        """The value, as the database's driver takes it."""
        return _READ[self.kind](self.text)

    @property
    def name(self) -> str:
        """The watermark as part of an object's key: another one for every value; times and whole numbers sort.

        Examples
        --------
        >>> Watermark.of(datetime(2026, 1, 31, 12, 30, tzinfo=UTC)).name
        '20260131T123000.000000Z'
        >>> Watermark.of("A/7").name
        'A_7.2e35802b'
        """
        value = self.value
        if isinstance(value, datetime):
            utc = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            plain = re.sub("[-:]", "", utc.isoformat(timespec="microseconds"))
            return plain + ("Z" if value.tzinfo else "")
        if isinstance(value, int):
            return f"{value:0{_DIGITS}d}"
        plain = re.sub(r"[^A-Za-z0-9.+-]", "_", self.text)[:_LONGEST_IN_A_KEY]
        if plain == self.text:
            return plain
        return f"{plain}.{hashlib.sha256(self.text.encode()).hexdigest()[:8]}"

    def seconds_before(self, now: datetime) -> float | None:
        """Return how old it is, in seconds; None if it is no time. A time without a zone counts as UTC.

        Examples
        --------
        >>> Watermark.of(date(2026, 1, 31)).seconds_before(datetime(2026, 2, 1, tzinfo=UTC))
        86400.0
        """
        value = self.value
        if not isinstance(value, date):
            return None
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        return (now - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).total_seconds()
