"""What the two kinds of databases write differently."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

# PostgreSQL's types by their numbers in pg_type, which never change.
_PG_PLAIN = {
    16: pa.bool_(),
    **dict.fromkeys((20, 21, 23), pa.int64()),
    **dict.fromkeys((700, 701), pa.float64()),
}
_PG_BYTES = 17
_PG_TIMES = {1082: pa.date32(), 1114: pa.timestamp("us"), 1184: pa.timestamp("us", "UTC")}

# MySQL's types by their numbers in the protocol, as in pymysql.constants.FIELD_TYPE; a BIGINT may have no sign.
_BIG_INTEGER = pa.decimal128(20, 0)
_MYSQL_PLAIN = {
    **dict.fromkeys((1, 2, 3, 9, 13), pa.int64()),
    **dict.fromkeys((4, 5), pa.float64()),
    8: _BIG_INTEGER,
}
_MYSQL_BITS = 16
_MYSQL_TEXTS = (15, 249, 250, 251, 252, 253, 254)

_QUOTED_OR_PERCENT = re.compile(r"""('(?:[^']|'')*'|"[^"]*"|--[^\n]*)|%""")


@dataclass(frozen=True)
class SelectedColumn:
    """One column of what is imported.

    Parameters
    ----------
    name : str
        Its name.
    expression : str
        What is selected for it: the column itself, or its text where the driver would be slow or inexact.
    fetched, kept : DataType
        What the driver returns, and what is written to Parquet.
    """

    name: str
    expression: str
    fetched: pa.DataType
    kept: pa.DataType


class Dialect(Protocol):
    """How one kind of database quotes names, passes parameters and converts values."""

    def quote(self, name: str) -> str:
        """Return `name` as an identifier, whatever it holds."""
        ...

    def escape(self, sql: str) -> str:
        """Return `sql` for a statement with parameters, where the driver takes ``%`` for the beginning of one."""
        ...

    def columns(
        self, description: Sequence[Sequence[Any]], charsets: Sequence[str | None]
    ) -> list[SelectedColumn]:
        """Return what to select, by the driver's description of the result and the columns' character sets."""
        ...

    def charset(self, name: str) -> str | None:
        """Return an expression for the character set of a quoted column, where it is needed to tell bytes from text."""
        ...


class PostgreSQL:
    """PostgreSQL and what is compatible with it, through pg8000."""

    def quote(self, name: str) -> str:
        """Return `name` as an identifier.

        Examples
        --------
        >>> PostgreSQL().quote('a"b')
        '"a""b"'
        """
        return '"' + name.replace('"', '""') + '"'

    def escape(self, sql: str) -> str:
        """Double ``%`` outside of quotes, as pg8000 reads it.

        Examples
        --------
        >>> PostgreSQL().escape("a % 2 = 0 AND b LIKE '%x'")
        "a %% 2 = 0 AND b LIKE '%x'"
        """
        return _QUOTED_OR_PERCENT.sub(lambda found: found[1] or "%%", sql)

    def charset(self, name: str) -> str | None:
        """Return None: types tell bytes from text."""
        return None

    def columns(
        self, description: Sequence[Sequence[Any]], charsets: Sequence[str | None]
    ) -> list[SelectedColumn]:
        """Return what to select; what has no counterpart in Parquet is read as the server writes it."""
        return [self._column(str(column[0]), int(column[1])) for column in description]

    def _column(self, name: str, oid: int) -> SelectedColumn:
        quoted = self.quote(name)
        if plain := _PG_PLAIN.get(oid):
            return SelectedColumn(name, quoted, plain, plain)
        text = f"CAST({quoted} AS text)"
        if oid == _PG_BYTES:
            text = f"translate(encode({quoted}, 'base64'), E'\\n', '')"
        elif oid in _PG_TIMES:
            # Arrow has no infinity in time.
            text = f"CASE WHEN isfinite({quoted}) THEN {text} END"
        return SelectedColumn(name, text, pa.string(), _PG_TIMES.get(oid, pa.string()))


class MySQL:
    """MySQL, MariaDB and what is compatible with them, through PyMySQL."""

    def quote(self, name: str) -> str:
        """Return `name` as an identifier.

        Examples
        --------
        >>> MySQL().quote("a`b")
        '`a``b`'
        """
        return "`" + name.replace("`", "``") + "`"

    def escape(self, sql: str) -> str:
        """Double every ``%``, as PyMySQL reads it.

        Examples
        --------
        >>> MySQL().escape("b LIKE '%x'")
        "b LIKE '%%x'"
        """
        return sql.replace("%", "%%")

    def charset(self, name: str) -> str | None:
        """Return the expression: the protocol has one type for BLOB and TEXT."""
        return f"CHARSET({name})"

    def columns(
        self, description: Sequence[Sequence[Any]], charsets: Sequence[str | None]
    ) -> list[SelectedColumn]:
        """Return what to select; dates come as text, because they may be 0000-00-00."""
        return [
            self._column(str(column[0]), int(column[1]), charset)
            for column, charset in zip(description, charsets, strict=True)
        ]

    def _column(self, name: str, kind: int, charset: str | None) -> SelectedColumn:
        quoted = self.quote(name)
        if plain := _MYSQL_PLAIN.get(kind):
            return SelectedColumn(name, quoted, plain, plain)
        if kind == _MYSQL_BITS:
            return SelectedColumn(name, f"{quoted} + 0", _BIG_INTEGER, _BIG_INTEGER)
        text = f"CAST({quoted} AS CHAR)"
        if kind in _MYSQL_TEXTS and charset == "binary":
            text = f"REPLACE(TO_BASE64({quoted}), '\\n', '')"
        return SelectedColumn(name, text, pa.string(), pa.string())


DIALECTS: dict[str, Dialect] = {"postgresql": PostgreSQL(), "mysql": MySQL()}
"""By the engine's name in the pipeline file."""
