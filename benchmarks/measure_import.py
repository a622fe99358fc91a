"""How fast rows of a database become Parquet, and in how much memory: `make bench-database`; ends in one line of JSON.

Servers are started as the tests start them, so Debian's packages ``postgresql`` and ``mariadb-server`` are needed.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import resource
import tempfile
import time
from dataclasses import dataclass
from typing import Any

from headrace.aws.database_connection import connection
from headrace.aws.source_table import SourceTable
from headrace.aws.watermark import Watermark
from headrace.aws.written_once import write_parquet
from headrace.config.database import Database

_ROWS = 100_000
_GROWTH = 10
_KB_PER_MB = 1024
_COLUMNS = (
    *(
        "id int PRIMARY KEY",
        "a double precision",
        "b double precision",
        "c double precision",
        "d int",
        "e int",
    ),
    *("f numeric(12, 2)", "g numeric(12, 2)", "h boolean", "s varchar(50)", "t varchar(50)", "u varchar(50)"),
    *("day date", "at timestamp", "until timestamp"),
)
_ROW = {
    "postgresql": "n, n / 7.0, n / 11.0, n / 13.0, n % 1000, n % 7, n % 100000 / 100.0, n % 50, n % 2 = 0, "
    "'customer ' || n, md5(n::text), 'x' || n % 10, date '2026-01-01' + n % 300, "
    "timestamp '2026-01-01' + n * interval '1 second', timestamp '2026-01-02' + n * interval '1 second' "
    "FROM generate_series(1, {rows}) n",
    "mysql": "seq, seq / 7.0, seq / 11.0, seq / 13.0, seq % 1000, seq % 7, seq % 100000 / 100.0, seq % 50, seq % 2 = 0, "
    "concat('customer ', seq), md5(seq), concat('x', seq % 10), '2026-01-01' + interval seq % 300 day, "
    "'2026-01-01' + interval seq second, '2026-01-02' + interval seq second FROM seq_1_to_{rows}",
}


@dataclass(frozen=True)
class Secrets:
    """A client of Secrets Manager that knows one secret."""

    secret: dict[str, Any]

    def get_secret_value(self, **_: str) -> dict[str, str]:
        """Return the secret."""
        return {"SecretString": json.dumps(self.secret)}


def measure() -> dict[str, Any]:
    """Import a table from either server, once as it is and once in part, each in a process of its own."""
    servers: Any = importlib.import_module("tests.integration.database_servers")
    figures: dict[str, Any] = {"rows": _GROWTH * _ROWS, "columns": len(_COLUMNS)}
    for engine, row in _ROW.items():
        with getattr(servers, engine)() as server:
            server.run(
                f"CREATE TABLE orders ({', '.join(_COLUMNS)})",
                f"INSERT INTO orders SELECT {row.format(rows=_GROWTH * _ROWS)}",
            )
            fields = {"engine": engine, "secret": "s", "table": "orders", "watermark": "id"}
            block = json.dumps({**fields, "ca_certificates": server.certificate})
            _, few_mb = _in_process(block, server.secret(), _ROWS)
            seconds, many_mb = _in_process(block, server.secret(), _GROWTH * _ROWS)
        figures[f"{engine}_rows_per_second"] = round(_GROWTH * _ROWS / seconds)
        figures[f"{engine}_peak_memory_mb"] = round(many_mb)
        figures[f"{engine}_memory_growth_10x"] = round(many_mb / few_mb, 2)
    return figures


def _in_process(block: str, secret: dict[str, Any], rows: int) -> tuple[float, float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(read, (block, secret, rows))


def read(block: str, secret: dict[str, Any], rows: int) -> tuple[float, float]:
    """Read the first `rows` rows into one file, and return the seconds and the process's peak memory in MB."""
    database, secrets = Database.model_validate_json(block), Secrets(secret)
    with connection(secrets, database) as opened, tempfile.TemporaryFile() as file:  # type: ignore[arg-type]
        began = time.perf_counter()
        written = write_parquet(file, SourceTable(opened, database, "id").rows(None, Watermark.of(rows)))
        seconds = time.perf_counter() - began
    if written != rows:
        raise SystemExit(f"{written} rows were read instead of {rows}")
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KB_PER_MB


if __name__ == "__main__":
    print(json.dumps(measure()))
