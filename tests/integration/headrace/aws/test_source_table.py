"""What columns of real databases become, and how they are read."""

import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from headrace.aws.database_connection import DatabaseError, connection
from headrace.aws.source_table import SourceTable
from headrace.aws.watermark import Watermark
from headrace.config.database import Database
from tests.integration.database_servers import ADMIN
from tests.integration.shop import Secrets

NOW = datetime(2026, 1, 31, 6, 0, tzinfo=UTC)

POSTGRESQL = """
    id bigint, truth boolean, small smallint, real_number real, price numeric(12, 2), exact numeric, name text,
    code char(4), at timestamp, at_zone timestamptz, day date, hour time, data jsonb, bytes bytea, uid uuid,
    numbers int[], span interval
"""
POSTGRESQL_ROW = """
    9007199254740993, true, -7, 0.5, 1234567890.10, 12345678901234567890.123456789, 'Grüße, "Jürgen" 你好 🚲', 'ab',
    '2026-01-31 12:30:00.123456', '2026-01-31 12:30:00+02', '2026-01-31', '12:30', '{"a": [1, "ü"]}', '\\x00ff10',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{1,2}', '1 day 2 hours'
"""
MYSQL = """
    id bigint unsigned, truth boolean, small smallint, real_number double, price decimal(12, 2), exact decimal(40, 9),
    name text, code char(4), at datetime(6), at_zone timestamp, day date, hour time, data json, bytes blob,
    fixed binary(3), flags bit(10), kind enum('new', 'old')
"""
MYSQL_ROW = """
    18446744073709551615, true, -7, 0.5, 1234567890.10, 12345678901234567890.123456789,
    'Grüße, "Jürgen" 你好 🚲', 'ab', '2026-01-31 12:30:00.123456', '2026-01-31 10:30:00', '2026-01-31', '12:30',
    '{"a": [1, "ü"]}', x'00ff10', x'00ff10', b'1000000001', 'old'
"""


@pytest.fixture
def source(request):
    """Open a table of one of the servers: its name, its columns, and statements that fill it."""
    opened = []

    def source(server, order_by, columns, *statements, **block):
        server.run("DROP TABLE IF EXISTS things", f"CREATE TABLE things ({columns})", *statements)
        database = Database.model_validate(
            {
                "engine": server.engine,
                "secret": "shop/reader",
                "table": "things",
                "watermark": order_by,
                "ca_certificates": server.certificate,
                **block,
            }
        )
        context = connection(Secrets(server), database)
        opened.append(context)
        return SourceTable(context.__enter__(), database, order_by)

    yield source
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture(params=["postgresql", "mysql"])
def server(request):
    return request.getfixturevalue(request.param)


def everything(table):
    return pa.concat_tables(table.rows(None, table.newest(None, NOW)))


def test_types_of_postgresql_keep_their_values(source, postgresql):
    nothing = f"INSERT INTO things VALUES (9007199254740992{', NULL' * 16})"
    table = everything(
        source(postgresql, "id", POSTGRESQL, f"INSERT INTO things VALUES ({POSTGRESQL_ROW})", nothing)
    )

    empty, full = table.to_pylist()
    assert full == {
        "id": 9007199254740993,
        "truth": True,
        "small": -7,
        "real_number": 0.5,
        "price": "1234567890.10",
        "exact": "12345678901234567890.123456789",
        "name": 'Grüße, "Jürgen" 你好 🚲',
        "code": "ab",
        "at": datetime(2026, 1, 31, 12, 30, 0, 123456),
        "at_zone": datetime(2026, 1, 31, 10, 30, tzinfo=UTC),
        "day": date(2026, 1, 31),
        "hour": "12:30:00",
        "data": '{"a": [1, "ü"]}',
        "bytes": "AP8Q",
        "uid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "numbers": "{1,2}",
        "span": "1 day 02:00:00",
    }
    assert {name for name, value in empty.items() if value is not None} == {"id"}


def test_types_of_mysql_keep_their_values(source, mysql):
    nothing = f"INSERT INTO things VALUES (7{', NULL' * 8}, DEFAULT{', NULL' * 7})"
    in_utc = "SET time_zone = '+00:00'"
    table = everything(
        source(mysql, "id", MYSQL, in_utc, f"INSERT INTO things VALUES ({MYSQL_ROW})", nothing)
    )

    empty, full = table.to_pylist()
    assert full == {
        "id": Decimal("18446744073709551615"),
        "truth": 1,
        "small": -7,
        "real_number": 0.5,
        "price": "1234567890.10",
        "exact": "12345678901234567890.123456789",
        "name": 'Grüße, "Jürgen" 你好 🚲',
        "code": "ab",
        "at": "2026-01-31 12:30:00.123456",
        "at_zone": "2026-01-31 10:30:00",
        "day": "2026-01-31",
        "hour": "12:30:00",
        "data": '{"a": [1, "ü"]}',
        "bytes": "AP8Q",
        "fixed": "AP8Q",
        "flags": 513,
        "kind": "old",
    }
    assert {name for name, value in empty.items() if value is not None} <= {"id", "at_zone"}


def test_the_schema_does_not_depend_on_the_rows(source, server):
    """A column that is empty in one file has the type that it has in the others."""
    table = source(server, "id", "id int, price float", "INSERT INTO things VALUES (1, NULL), (2, 0.5)")

    first, second = (
        pa.concat_tables(table.rows(after, upto)).schema
        for after, upto in ((None, Watermark.of(1)), (Watermark.of(1), Watermark.of(2)))
    )

    assert first == second
    assert first.field("price").type == pa.float64()


def test_even_an_administrator_cannot_write(server):
    server.run("DROP TABLE IF EXISTS things", "CREATE TABLE things (id int)")
    fields = {"engine": server.engine, "secret": "shop/admin", "table": "things", "watermark": "id"}
    database = Database.model_validate({**fields, "ca_certificates": server.certificate})

    with (
        pytest.raises(DatabaseError, match=r"changes data; only a SELECT is run \(code (25006|1792)\)"),
        connection(Secrets(server, username=ADMIN), database) as opened,
        opened.cursor() as cursor,
    ):
        cursor.execute("INSERT INTO things VALUES (1)")


def test_infinity_in_time_is_missing(source, postgresql):
    table = source(
        postgresql, "id", "id int, at timestamptz", "INSERT INTO things VALUES (1, 'infinity'), (2, 'now')"
    )

    assert [row["at"] is None for row in everything(table).to_pylist()] == [True, False]


def test_a_day_that_does_not_exist_comes_as_it_is(source, mysql):
    table = source(
        mysql,
        "id",
        "id int, day date, at datetime",
        "SET sql_mode = ''",
        "INSERT INTO things VALUES (1, '0000-00-00', '2026-00-00 00:00:00')",
    )

    (row,) = everything(table).to_pylist()
    assert (row["day"], row["at"]) == ("0000-00-00", "2026-00-00 00:00:00")


def test_names_may_hold_anything(source, server):
    quote = '"' if server.engine == "postgresql" else "`"
    odd = f"a {quote}b{quote}; % %s 'c'"
    name = f"{quote}{odd.replace(quote, quote * 2)}{quote}"
    table = source(server, odd, f"{name} int", "INSERT INTO things VALUES (1), (2)")

    assert table.without_mark() == 0
    assert [row[odd] for row in everything(table).to_pylist()] == [1, 2]


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        ("int", "1", "2"),
        ("bigint", "-9223372036854775807", "9223372036854775807"),
        ("decimal(20, 5)", "1.5", "1.50001"),
        ("double precision", "0.1", "0.30000000000000004"),
        ("date", "'2026-01-01'", "'2026-01-02'"),
        ("timestamp(6)", "'2026-01-01 12:00:00.000001'", "'2026-01-01 12:00:00.000002'"),
        ("varchar(26)", "'01ARZ3NDEKTSV4RRFFQ69G5FAV'", "'01ARZ3NDEKTSV4RRFFQ69G5FAW'"),
    ],
)
def test_columns_of_many_kinds_can_be_the_watermark(source, server, kind, least, most):
    table = source(
        server, "mark", f"mark {kind}", f"INSERT INTO things VALUES ({most}), ({least}), ({least})"
    )

    newest = table.newest(None, NOW)
    first = table.end_of_file(None, newest, 1)

    assert table.end_of_file(first, newest, 1) == newest
    assert table.end_of_file(newest, newest, 1) is None
    assert [
        sum(block.num_rows for block in table.rows(*bounds)) for bounds in ((None, first), (first, newest))
    ] == [2, 1]


def test_a_uuid_can_be_what_rows_are_read_by(source, postgresql):
    table = source(
        postgresql,
        "uid",
        "uid uuid",
        "INSERT INTO things SELECT gen_random_uuid() FROM generate_series(1, 9)",
    )

    newest = table.newest(None, NOW)
    middle = table.end_of_file(None, newest, 5)

    assert sum(block.num_rows for block in table.rows(middle, newest)) == 4


def test_a_date_counts_once_its_day_has_ended_everywhere(source, server):
    """At 6:00 in UTC it is still 30 January on the other side of the earth, so 29 is the last day that is over."""
    days = ", ".join(f"('2026-01-{day}')" for day in (28, 29, 30, 31))
    table = source(server, "day", "day date", f"INSERT INTO things VALUES {days}")

    assert table.newest(None, NOW) == Watermark.of(date(2026, 1, 29))


def test_only_what_lies_beyond_counts_as_new(source, server):
    table = source(server, "id", "id int", "INSERT INTO things VALUES (1), (2), (NULL)")

    assert table.newest(Watermark.of(1), NOW) == Watermark.of(2)
    assert table.newest(Watermark.of(2), NOW) is None
    assert table.without_mark() == 1


def test_what_has_no_order_is_one_clear_line(source, server):
    kind, value = ("bytea", "'\\x00'") if server.engine == "postgresql" else ("blob", "x'00'")
    table = source(server, "mark", f"mark {kind}", f"INSERT INTO things VALUES ({value})")

    with pytest.raises(
        DatabaseError, match="column 'mark': a watermark is a timestamp, a date, a number or a text"
    ):
        table.newest(None, NOW)


def test_memory_does_not_grow_with_the_rows(source, server):
    """What the driver and pandas hold when the first of five blocks is there is what they hold in the end."""
    numbers = "generate_series(1, 100000)" if server.engine == "postgresql" else "seq_1_to_100000"
    table = source(server, "id", "id int PRIMARY KEY", f"INSERT INTO things SELECT * FROM {numbers}")

    tracemalloc.start()
    sizes, peaks = [], []
    for block in table.rows(None, Watermark.of(100_000)):
        sizes.append(block.num_rows)
        peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()

    assert sizes == [20_000] * 5
    assert peaks[-1] < 1.5 * peaks[0]
