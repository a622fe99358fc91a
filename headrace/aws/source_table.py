"""The table or query of a database that is imported: what is new in it, and its rows in the order of the watermark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import awswrangler as wr
import pyarrow as pa

from headrace.aws.database_connection import DatabaseError
from headrace.aws.sql_dialect import DIALECTS, SelectedColumn
from headrace.aws.watermark import Watermark
from headrace.config.database import Database

_ROWS_AT_ONCE = 20_000
_FURTHEST_AHEAD = timedelta(days=1)
_LAST_TIME_ZONE = timedelta(hours=12)


class SourceTable:
    """Rows of one database, in the order of a column.

    Parameters
    ----------
    connection : Connection
        Of pg8000 or PyMySQL.
    database : Database
        What is imported.
    order_by : str
        The column that rows are read in the order of: the watermark, or the id where all rows are read each time.
    """

    def __init__(self, connection: Any, database: Database, order_by: str) -> None:
        self._connection = connection
        self._database = database
        self._sql = DIALECTS[database.engine]
        self._name = order_by
        self._mark = self._sql.quote(order_by)
        self._read: Any = (wr.mysql if database.engine == "mysql" else wr.postgresql).read_sql_query

    def newest(self, after: Watermark | None, now: datetime) -> Watermark | None:
        """Return the greatest value of the column beyond `after`, or None if there is none.

        What lies more than a day ahead of `now` waits until its time has come: one row that is dated 9999 would else
        be the last one to be imported. A date counts once its day has ended everywhere on earth.
        """
        found = self._edge(after, None, "DESC")
        if found is None:
            return None
        latest = _latest(found.value, now)
        return found if latest is None else self._edge(after, latest, "DESC")

    def end_of_file(self, after: Watermark | None, upto: Watermark, rows: int) -> Watermark | None:
        """Return where a file ends that begins beyond `after`, or None if there are no rows for it up to `upto`.

        It has `rows` rows, or more where several share the last value: what shares a value comes in one file.
        """
        return self._edge(after, upto, "ASC", skip=rows - 1) or self._edge(after, upto, "DESC")

    def rows(self, after: Watermark | None, upto: Watermark) -> Iterator[pa.Table]:
        """Read the rows beyond `after` up to and with `upto`, block by block; memory does not grow with their number."""
        selected = self._columns
        kept = pa.schema([(column.name, column.kept) for column in selected])
        fetched = pa.schema([(column.name, column.fetched) for column in selected])
        what = ", ".join(f"{column.expression} AS {self._sql.quote(column.name)}" for column in selected)
        sql, values = self._statement(what, after, upto, "ASC")
        blocks = self._read(
            sql,
            con=self._connection,
            params=values,
            chunksize=_ROWS_AT_ONCE,
            dtype={column.name: column.fetched for column in selected},
            dtype_backend="pyarrow",
        )
        for block in blocks:
            yield pa.Table.from_pandas(block, schema=fetched, preserve_index=False).cast(kept)

    def without_mark(self) -> int:
        """Count the rows whose value is NULL; they are never imported."""
        ((count,),) = self._fetch(f"SELECT count(*) FROM {self._source()} WHERE {self._mark} IS NULL")
        return int(count)

    # --- statements

    @cached_property
    def _columns(self) -> list[SelectedColumn]:
        """What to select, as the server describes it."""
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {self._source()} LIMIT 0")
            described = list(cursor.description)
            cursor.fetchall()
        names = [column[0] for column in described]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise DatabaseError(f"two columns of `query` have the same name, {repeated.pop()!r}")
        if self._name not in names:
            raise DatabaseError(f"there is no column {self._name!r}; there are: {', '.join(names)}")
        return self._sql.columns(described, self._charsets(names))

    def _charsets(self, names: Sequence[str]) -> Sequence[str | None]:
        asked = [expression for name in names if (expression := self._sql.charset(self._sql.quote(name)))]
        if not asked:
            return [None] * len(names)
        rows = self._fetch(f"SELECT {', '.join(asked)} FROM {self._source()} LIMIT 1")
        return rows[0] if rows else [None] * len(names)

    def _edge(
        self, after: Watermark | None, upto: Watermark | None, order: str, skip: int = 0
    ) -> Watermark | None:
        """Return the first value in the order, or the one that comes `skip` rows later."""
        sql, values = self._statement(self._mark, after, upto, order)
        found = self._fetch(f"{sql} LIMIT 1 OFFSET {skip}", values)
        try:
            return Watermark.of(found[0][0]) if found else None
        except TypeError as error:
            raise DatabaseError(f"column {self._name!r}: {error}") from None

    def _statement(
        self, what: str, after: Watermark | None, upto: Watermark | None, order: str
    ) -> tuple[str, list[Any]]:
        """Select `what` of the rows beyond `after` up to `upto` in the order; these two go in as parameters."""
        bounds = [(sign, mark) for sign, mark in ((">", after), ("<=", upto)) if mark]
        escape = self._sql.escape if bounds else str
        what, source, mark = escape(what), escape(self._source()), escape(self._mark)
        where = " AND ".join(f"{mark} {sign} %s" for sign, _ in bounds) or f"{mark} IS NOT NULL"
        sql = f"SELECT {what} FROM {source} WHERE {where} ORDER BY {mark} {order}"
        return sql, [bound.value for _, bound in bounds]

    def _source(self) -> str:
        if self._database.query:
            return f"({self._database.query.strip().rstrip(';')}\n) AS source"
        return ".".join(self._sql.quote(part) for part in (self._database.table or "").split("."))

    def _fetch(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(*([sql, list(values)] if values else [sql]))
            return list(cursor.fetchall())


def _latest(value: object, now: datetime) -> Watermark | None:
    """Return up to where a time may be imported that has come too early; None if it is not too early."""
    if isinstance(value, datetime):
        limit = now.astimezone(UTC) + _FURTHEST_AHEAD
        limit = limit if value.tzinfo else limit.replace(tzinfo=None)
        return Watermark.of(limit) if value > limit else None
    if isinstance(value, date):
        ended = (now.astimezone(UTC) - _LAST_TIME_ZONE).date() - timedelta(days=1)
        return Watermark.of(ended) if value > ended else None
    return None
