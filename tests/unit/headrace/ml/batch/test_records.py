import json

import pytest

from headrace.ml.batch.records import Asking
from headrace.ml.contract import ColumnSchema
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.files.refusal import FileRefusedError
from headrace.ml.files.small import read_bytes
from headrace.ml.request_cleaning import RequestCleaning
from headrace.ml.rows import CellError, read_columns

SCHEMA = (
    ColumnSchema("temp", "number"),
    ColumnSchema("season", "category"),
    ColumnSchema("holiday", "boolean"),
    ColumnSchema("at", "datetime"),
)
HEADER = b"id,temp,season,holiday,at,note\n"
GOOD = b"a,0.3,spring,true,2011-01-31,x\n"


def judged(data, schema=SCHEMA, steps=(), columns=(), id="id"):
    table = read_bytes(data)
    asking = Asking.of(RequestCleaning(schema, steps), table.cells.column_names, columns, id)
    return asking.judge(table)


def records(found):
    return list(map(json.loads, found.records))


def test_a_record_has_the_cells_as_they_were_written_and_what_identifies_the_row():
    (record,) = records(judged(HEADER + b"a, 0.30,spring,yes,2011-01-31T10:00:00+02:00,x\n"))

    assert record == {
        "row": 1,
        "features": {
            "temp": " 0.30",
            "season": "spring",
            "holiday": "yes",
            "at": "2011-01-31T10:00:00+02:00",
        },
        "kept": {"id": "a"},
    }


def test_a_row_without_an_id_is_answered_like_a_request_without_one():
    (record,) = records(judged(HEADER + b",0.3,spring,true,2011-01-31,x\n"))

    assert record["kept"] == {"id": None}


@pytest.mark.parametrize(
    ("columns", "kept"),
    [
        ((), {"id": "a"}),
        (("note", "temp"), {"note": "x", "id": "a"}),
        ("all", {"id": "a", "note": "x"}),
    ],
)
def test_columns_that_are_to_stand_beside_are_kept_once(columns, kept):
    (record,) = records(judged(HEADER + GOOD, columns=columns))

    assert record["kept"] == kept


def test_a_file_without_the_id_has_rows_by_their_numbers():
    found = judged(b"temp,season,holiday,at\n0.3,spring,true,2011-01-31\n")

    assert list(records(found)[0]) == ["row", "features"]


@pytest.mark.parametrize(
    "cell",
    ["warm", "0x10", "1e999", "1_000", "NaN", "", " 7 ", "-1e3", ".5", "nan", "N/A", "1,5", "\u0661"],
)
def test_no_number_is_sent_that_the_server_would_refuse(cell):
    """The other way round there is a number or two: what Python reads and no training did."""
    found = judged(f'temp\n"{cell}"\n9\n'.encode(), SCHEMA[:1])

    for record in records(found):
        read_columns({"temp": [record["features"]["temp"]]}, SCHEMA[:1])


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("temp", "warm"),
        ("holiday", "maybe"),
        ("at", "31.01.2011"),
        ("at", "2011-02-30"),
        ("at", "2011-13-01"),
    ],
)
def test_what_the_server_would_refuse_is_put_aside_with_the_reason(column, cell):
    good = dict(
        zip(("temp", "season", "holiday", "at"), ("0.3", "spring", "true", "2011-01-31"), strict=True)
    )
    bad = {**good, column: cell}
    lines = [",".join(good), ",".join(good.values()), ",".join(bad.values()), ",".join(good.values())]

    found = judged("\n".join(lines).encode())

    assert [record["row"] for record in records(found)] == [1, 3]
    ((row, where),) = [(each.row, each.column) for each in found.rejections]
    assert (row, where) == (2, column)
    assert found.rejected.column(column).to_pylist() == [cell]
    with pytest.raises(CellError):
        read_columns({name: [value] for name, value in bad.items()}, SCHEMA)


def test_a_broken_row_is_put_aside_and_the_numbers_of_the_others_stay():
    found = judged(HEADER + GOOD + b"b,1\n" + GOOD)

    assert [record["row"] for record in records(found)] == [1, 3]
    assert [str(each.reason) for each in found.rejections] == ["broken_row"]


def test_good_and_refused_rows_together_are_all_rows():
    found = judged(HEADER + 5 * GOOD + b"b,warm,s,true,2011-01-01,x\n" + b"broken\n")

    assert len(found.records) + len(found.rejections) == 7


def test_cells_are_judged_after_the_cleaning_steps_and_sent_before_them():
    steps = (DeclaredStep("parse_numbers", ("temp",), {"decimal": ","}),)

    found = judged(b'temp\n"0,3"\nwarm\n', SCHEMA[:1], steps)

    assert [record["features"] for record in records(found)] == [{"temp": "0,3"}]
    assert len(found.rejections) == 1


def test_a_column_that_a_step_makes_is_asked_by_the_one_that_it_is_made_of():
    steps = (DeclaredStep("calendar", ("since",), {"parts": ["month"]}),)
    schema = (ColumnSchema("since_month", "number"),)

    (record,) = records(judged(b"since\n2025-06-15\n", schema, steps))

    assert record["features"] == {"since": "2025-06-15"}


def test_rows_that_filters_would_drop_from_a_training_are_answered():
    steps = (DeclaredStep("keep_rows", (), {"where": [{"column": "temp", "is": ">", "value": 0}]}),)

    assert len(judged(b"temp\n-1\n1\n", SCHEMA[:1], steps).records) == 2


def test_a_file_that_was_cleaned_by_its_sender_is_not_cleaned_again():
    steps = (DeclaredStep("calendar", ("since",), {"parts": ["month"]}),)
    schema = (ColumnSchema("since_month", "number"),)

    (record,) = records(judged(b"since_month\n6\n", schema, steps))

    assert record["features"] == {"since_month": "6"}


@pytest.mark.parametrize(
    ("data", "columns", "says"),
    [
        (b"id,temp\na,1\n", (), "the model needs: 'season', 'holiday', 'at'"),
        (HEADER + GOOD, ("who",), "'who'"),
    ],
)
def test_a_file_that_lacks_a_column_is_refused_whole(data, columns, says):
    with pytest.raises(FileRefusedError, match=says):
        judged(data, columns=columns)
