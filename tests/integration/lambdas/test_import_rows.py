"""Rows of real databases, through the handlers of the import, to files under incoming/."""

import contextlib
import io
from dataclasses import replace

import pytest

from headrace.aws.database_connection import DatabaseError
from headrace.aws.import_ledger import OvertakenError
from lambdas.import_rows import handler as import_rows
from lambdas.import_rows.import_rows import Ports
from lambdas.import_rows.import_rows import import_rows as import_files
from lambdas.plan_import import handler as plan_import
from tests.integration.database_servers import PASSWORD
from tests.integration.shop import at, opened


@pytest.fixture(params=["postgresql", "mysql"])
def shop(request):
    """A shop with an empty table, on either server."""
    with opened(request.getfixturevalue(request.param)) as shop:
        yield shop


def test_the_first_import_takes_all_rows_in_files_of_the_chosen_size(shop):
    shop.insert(*((n, n * 2, n) for n in range(1, 2501)))

    shop.import_all()

    assert [table.num_rows for table in shop.files().values()] == [1000, 1000, 500]
    assert shop.ids() == dict.fromkeys(range(1, 2501), 1)
    assert sorted(shop.rows(), key=lambda row: row["id"])[6]["price"] == 14


def test_files_are_named_by_where_they_begin_and_end(shop):
    shop.configure(watermark="id")
    shop.insert(*((n, 0, n) for n in range(1, 1502)))

    shop.import_all()

    first, second = shop.files()
    assert first.startswith("incoming/database/orders/")
    assert first.endswith("/0-start--00000000000000001000.parquet")
    assert second.endswith("/00000000000000001000--00000000000000001501.parquet")


def test_each_import_is_a_batch_that_says_when_it_is_complete(shop):
    shop.configure(train="batch")
    for n in (1, 2):
        shop.insert((n, 0, n))
        shop.import_all()

    keys = [item["Key"] for item in shop.s3.list_objects_v2(Bucket="data")["Contents"]]
    folders = {key.rpartition("/")[0] for key in keys}
    assert len(keys) == 4
    assert {f"{folder}/_SUCCESS" for folder in folders} <= set(keys)
    assert len(folders) == 2


def test_later_imports_take_what_is_new(shop):
    shop.insert((1, 10, 1), (2, 20, 2))
    shop.import_all()
    shop.insert((3, 30, 3))

    shop.import_all()

    assert shop.ids() == {1: 1, 2: 1, 3: 1}


def test_without_new_rows_there_is_nothing_to_do(shop):
    shop.insert((1, 10, 1))
    shop.import_all()

    assert shop.plan() is False
    assert len(shop.files()) == 1


def test_an_empty_table_is_no_error(shop):
    assert shop.plan() is False


def test_rows_that_share_a_watermark_stay_together(shop):
    """1,500 orders of one bulk load have one time; a file has 1,000 rows."""
    shop.insert(*((n, 0, 1) for n in range(1, 601)))
    shop.insert(*((n, 0, 2) for n in range(601, 2101)))
    shop.insert(*((n, 0, 3) for n in range(2101, 2201)))

    shop.import_all()

    assert [table.num_rows for table in shop.files().values()] == [2100, 100]
    assert shop.ids() == dict.fromkeys(range(1, 2201), 1)


def test_a_row_that_is_committed_late_is_not_lost(shop):
    """Its time is older than the newest row's, but it can be seen only later: that is what the lag waits for."""
    with contextlib.closing(shop.server.connect()) as slow, slow.cursor() as cursor:
        cursor.execute(f"INSERT INTO orders VALUES (1, 10, {at(1)})")
        shop.insert((2, 20, 2))
        assert shop.plan()
        slow.commit()

    while shop.import_some():
        pass

    assert shop.ids() == {1: 1, 2: 1}


def test_rows_that_come_after_the_plan_are_for_the_next_import(shop):
    shop.insert((1, 10, 1))
    shop.plan()
    shop.insert((2, 20, 2))
    while shop.import_some():
        pass

    assert shop.ids() == {1: 1}
    shop.import_all()
    assert shop.ids() == {1: 1, 2: 1}


def test_an_updated_row_comes_again_and_a_deleted_one_stays(shop):
    shop.insert((1, 10, 1), (2, 20, 2))
    shop.import_all()
    shop.server.run(f"UPDATE orders SET price = 11, updated_at = {at(9)} WHERE id = 1")
    shop.server.run("DELETE FROM orders WHERE id = 2")

    shop.import_all()

    assert sorted((row["id"], row["price"]) for row in shop.rows()) == [(1, 10), (1, 11), (2, 20)]


def test_rows_without_a_watermark_are_counted_and_left(shop, capsys):
    shop.insert((1, 10, 1), (2, 20, None), (3, 30, None))

    shop.import_all()

    assert shop.ids() == {1: 1}
    assert '"RowsWithoutWatermark":[2.0]' in capsys.readouterr().out.replace(" ", "")


def test_a_row_of_the_far_future_does_not_hide_those_before_it(shop):
    shop.insert((1, 10, 1))
    shop.server.run("INSERT INTO orders VALUES (2, 20, '2037-12-31 00:00:00')")
    shop.import_all()
    shop.insert((3, 30, 3))

    shop.import_all()

    assert shop.ids() == {1: 1, 3: 1}


def test_without_time_the_import_stops_between_files_and_goes_on_later(shop):
    shop.insert(*((n, 0, n) for n in range(1, 2501)))
    shop.plan()

    assert shop.import_some(seconds=1) is True
    assert len(shop.files()) == 1

    while shop.import_some(seconds=1):
        pass
    assert shop.ids() == dict.fromkeys(range(1, 2501), 1)


# --- crashes and races


class CrashError(Exception):
    pass


@pytest.mark.parametrize("saved", [1, 2], ids=["before the file is written", "after it"])
def test_a_crash_loses_nothing_and_doubles_nothing(shop, monkeypatch, saved):
    shop.insert(*((n, 0, n) for n in range(1, 2501)))
    shop.plan()
    ledger = import_rows._deps()[0].ledger
    save, calls = ledger.save, iter(range(1, 9))

    def crash(progress):
        if next(calls) == saved + 2:  # in the second file; each takes two
            raise CrashError
        return save(progress)

    monkeypatch.setattr(type(ledger), "save", lambda _, progress: crash(progress))
    with pytest.raises(CrashError):
        shop.import_some()
    monkeypatch.undo()

    shop.import_all()

    assert shop.ids() == dict.fromkeys(range(1, 2501), 1)


def test_a_row_that_moves_on_between_crash_and_retry_is_not_lost(shop):
    """The file that was announced is written with its bounds, so the row is in the next one."""
    shop.insert(*((n, 0, n) for n in range(1, 1501)))
    shop.plan()
    with connected(shop) as ports:
        progress = ports.ledger.load()
        end = ports.source.end_of_file(None, progress.goal, 1000)
        ports.ledger.save(replace(progress, pending=end))
    shop.server.run(f"UPDATE orders SET updated_at = {at(5000)} WHERE id = 7")

    shop.import_all()
    shop.import_all()

    assert shop.ids() == dict.fromkeys(range(1, 1501), 1)


def test_of_two_imports_at_once_one_wins(shop):
    shop.insert(*((n, 0, n) for n in range(1, 2501)))
    shop.plan()
    with connected(shop) as ports:
        rows = ports.source.rows

        def overtaken(after, upto):
            ports.source.rows = rows
            while shop.import_some():
                pass
            return rows(after, upto)

        ports.source.rows = overtaken
        with pytest.raises(OvertakenError):
            list(import_files(ports, rows_per_file=1000, goes_on=lambda: True))

    assert shop.ids() == dict.fromkeys(range(1, 2501), 1)


@contextlib.contextmanager
def connected(shop):
    imported, files, _ = import_rows._deps()
    with imported.source() as source:
        yield Ports(source, imported.ledger, files)


# --- without a watermark


def test_without_a_watermark_all_rows_come_each_time(shop):
    shop.configure(watermark=None)
    shop.insert((1, 10, 1), (2, 20, None))
    shop.import_all()
    shop.server.run("UPDATE orders SET price = 11 WHERE id = 1")

    shop.import_all()

    assert sorted((row["id"], row["price"]) for row in shop.rows()) == [(1, 10), (1, 11), (2, 20), (2, 20)]


def test_an_import_of_all_rows_goes_on_where_another_stopped(shop):
    shop.configure(watermark=None)
    shop.insert(*((n, 0, None) for n in range(1, 2501)))
    shop.plan()
    shop.import_some(seconds=1)

    shop.import_all()

    assert shop.ids() == dict.fromkeys(range(1, 2501), 1)


# --- what can be wrong


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "hunter2"}, "user or password is wrong"),
        ({"username": "nobody"}, "user or password is wrong"),
        ({"dbname": "shops"}, "`dbname`"),
        ({"port": 1}, "cannot be reached (Connection refused)"),
        ({"host": "no.such.host.invalid"}, "cannot be reached"),
    ],
)
def test_a_wrong_secret_is_one_clear_line(shop, changes, words):
    shop.keep_secret(**changes)

    with pytest.raises(DatabaseError) as refused:
        shop.plan()

    said = str(refused.value)
    assert words in said
    assert "\n" not in said
    assert PASSWORD not in said
    assert "hunter2" not in said


def test_a_secret_that_lacks_a_key_is_named(shop):
    shop.secrets.put_secret_value(SecretId="shop/reader", SecretString='{"username": "a", "password": "b"}')

    with pytest.raises(DatabaseError, match="the secret shop/reader lacks host, port, dbname"):
        shop.plan()


@pytest.mark.parametrize("text", ["hunter2", '["hunter2"]', '{"port": "hunter2"}'])
def test_a_secret_that_is_no_json_object_is_not_shown(shop, text):
    shop.secrets.put_secret_value(SecretId="shop/reader", SecretString=text)

    with pytest.raises(DatabaseError, match="is no JSON object with the keys host, port") as refused:
        shop.plan()

    assert "hunter2" not in str(refused.value)


def test_a_secret_that_does_not_exist_is_named(shop):
    shop.configure(secret="shop/writer")

    with pytest.raises(DatabaseError, match=r"shop/writer cannot be read \(ResourceNotFoundException\)"):
        shop.plan()


@pytest.mark.parametrize(
    ("database", "words"),
    [
        ({"table": "order"}, "there is no such table"),
        ({"watermark": "changed_at"}, "there is no such column"),
        ({"watermark": 'id"; DROP TABLE orders; --'}, "there is no such column"),
        ({"watermark": "id`; DROP TABLE orders; --"}, "there is no such column"),
        ({"query": "SELEKT 1"}, "is not valid SQL"),
    ],
)
def test_what_the_database_refuses_is_one_clear_line(shop, database, words):
    shop.configure(**database)

    with pytest.raises(DatabaseError, match=words):
        shop.plan()

    shop.configure()
    assert shop.plan() is False


def test_a_table_that_goes_between_two_imports_is_one_clear_line(shop):
    shop.insert((1, 10, 1))
    shop.plan()
    shop.server.run("DROP TABLE orders")

    with pytest.raises(DatabaseError, match="there is no such table"):
        shop.import_some()


def test_a_table_that_the_user_may_not_read_is_one_clear_line(shop):
    if shop.server.engine == "mysql":
        shop.configure(table="mysql.user", watermark="User")
    else:
        shop.server.run("REVOKE ALL ON orders FROM reader")

    with pytest.raises(DatabaseError, match="the user may not read it: grant SELECT"):
        shop.plan()


def test_a_certificate_of_an_unknown_authority_is_refused(shop):
    shop.configure(ca_certificates=None)

    with pytest.raises(DatabaseError, match=r"a certificate that is not trusted .*`ca_certificates`"):
        shop.plan()


@pytest.mark.parametrize("tls", ["encrypt", "off"])
def test_less_than_verified_is_possible(shop, tls):
    shop.configure(tls=tls, ca_certificates=None)

    assert shop.plan() is False


def test_a_query_may_hold_what_drivers_take_for_parameters(shop):
    shop.configure(query="SELECT * FROM orders WHERE price % 2 = 0 AND '%s 50%' LIKE '%s%' -- 100%\n;")
    shop.insert((1, 10, 1), (2, 21, 2), (3, 30, 3))
    shop.import_all()
    shop.insert((4, 40, 4))

    shop.import_all()

    assert shop.ids() == {1: 1, 3: 1, 4: 1}


def test_two_columns_of_one_name_are_named(shop):
    shop.configure(query="SELECT id, updated_at, price AS x, id AS x FROM orders")
    shop.insert((1, 10, 1))

    with pytest.raises(DatabaseError, match="two columns of `query` have the same name"):
        shop.import_all()


# --- what is never repeated

CANARY = "kanarie-7431"


@pytest.fixture
def written(capsys, monkeypatch):
    """Return what the two functions log and measure: Powertools' logger keeps the stream that it was made with."""
    logged = io.StringIO()
    for module in (plan_import, import_rows):
        if logger := getattr(module, "logger", None):
            monkeypatch.setattr(logger.handlers[0], "stream", logged)

    def written():
        out, err = capsys.readouterr()
        return out + err + logged.getvalue()

    return written


def notes(shop, *texts):
    shop.create_orders("id INT PRIMARY KEY, note VARCHAR(50), updated_at TIMESTAMP(6) NULL")
    values = ", ".join(f"({number}, '{text}', {at(number)})" for number, text in enumerate(texts, 1))
    shop.server.run(f"INSERT INTO orders VALUES {values}")


def test_rows_that_are_imported_are_not_logged(shop, written):
    notes(shop, CANARY, CANARY)

    shop.import_all()

    assert [row["note"] for row in shop.rows()] == [CANARY, CANARY]
    text = written()
    assert "file imported" in text
    assert CANARY not in text


def test_a_cell_that_the_database_cannot_read_is_not_repeated(shop, written):
    """PostgreSQL says `invalid input syntax for type integer: "…"`, MySQL `XPATH syntax error: '…'`, both with the cell."""
    path = "EXTRACTVALUE(1, CONCAT('~', (SELECT note FROM orders LIMIT 1)))"
    bad = {"postgresql": "CAST(note AS INT)", "mysql": path}[shop.server.engine]
    shop.configure(query=f"SELECT id, {bad} AS bad, updated_at FROM orders")
    notes(shop, CANARY)

    with pytest.raises(DatabaseError, match="fails with code") as refused:
        shop.import_all()

    assert CANARY not in str(refused.value) + written()
    assert refused.value.__suppress_context__


def test_a_watermark_that_is_none_is_not_repeated(shop, written):
    true = {"postgresql": "note = note", "mysql": "CAST(note AS BINARY)"}[shop.server.engine]
    shop.configure(query=f"SELECT id, note, {true} AS mark FROM orders", watermark="mark")
    notes(shop, CANARY)

    with pytest.raises(DatabaseError, match="column 'mark': a watermark is a timestamp"):
        shop.import_all()

    assert CANARY not in written()
