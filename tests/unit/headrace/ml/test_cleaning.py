import datetime as dt

import pytest

from headrace.ml.cleaning import clean
from headrace.ml.column_rules import ColumnRules
from headrace.ml.contract import ContractError, Fields, infer_contract
from headrace.ml.files.small import read_bytes
from headrace.ml.rejections import Reason, Summary

HEADER = b"id,day,temp,season,open,casual,cnt\n"
GOOD = HEADER + b"1,2011-01-01,0.3,spring,true,3,4\n2,2011-01-02T10:00:00Z,NA,fall,false,1,7\n"
FIELDS = Fields("regression", "cnt", id="id", time="day", ignore=("casual",))


@pytest.fixture(scope="module")
def contract():
    return infer_contract(read_bytes(GOOD), FIELDS)


def rejected(contract, *rows):
    return clean(read_bytes(HEADER + "\n".join(rows).encode()), contract).rejections


def test_good_rows_are_typed(contract):
    good = clean(read_bytes(GOOD), contract).good

    assert {name: str(kind) for name, kind in zip(good.column_names, good.schema.types, strict=True)} == {
        "id": "string",
        "day": "timestamp[us]",
        "temp": "double",
        "season": "string",
        "open": "bool",
        "casual": "double",
        "cnt": "double",
    }
    assert good["temp"].to_pylist() == [0.3, None]
    assert good["day"].to_pylist() == [dt.datetime(2011, 1, 1), dt.datetime(2011, 1, 2, 10)]
    assert good["id"].to_pylist() == ["1", "2"]


@pytest.mark.parametrize(
    ("row", "column", "reason", "value_class"),
    [
        ("3,2011-01-01,warm,spring,true,3,4", "temp", Reason.NOT_A_NUMBER, "text"),
        ("3,2011-01-01,inf,spring,true,3,4", "temp", Reason.NOT_A_NUMBER, "text"),
        ("3,2011-01-01,1e999,spring,true,3,4", "temp", Reason.NOT_A_NUMBER, "text"),
        ("3,01.02.2011,1,spring,true,3,4", "day", Reason.NOT_A_DATETIME, "text"),
        ("3,2011-02-30,1,spring,true,3,4", "day", Reason.NOT_A_DATETIME, "text"),
        ("3,,1,spring,true,3,4", "day", Reason.MISSING, "nothing"),
        (",2011-01-01,1,spring,true,3,4", "id", Reason.MISSING, "nothing"),
        ("3,2011-01-01,1,spring,2011-01-01,3,4", "open", Reason.NOT_A_BOOLEAN, "date"),
        ("3,2011-01-01,1,spring,7,3,4", "open", Reason.NOT_A_BOOLEAN, "number"),
        (f"3,2011-01-01,1,{'x' * 1001},true,3,4", "season", Reason.TOO_LONG, "text"),
        ("3,2011-01-01,1,spring,true,3,", "cnt", Reason.MISSING, "nothing"),
        ("3,2011-01-01", None, Reason.BROKEN_ROW, "row"),
    ],
)
def test_a_bad_row_is_named_with_column_reason_and_class_of_value(contract, row, column, reason, value_class):
    (found,) = rejected(contract, row)

    assert (found.row, found.column, found.reason, found.value_class) == (1, column, reason, value_class)


def test_values_never_appear_in_what_is_said_about_them(contract):
    found = rejected(contract, "3,2011-01-01,secret,spring,true,3,4")

    summary = Summary()
    summary.add(found)

    assert "secret" not in f"{found} {found[0]} {summary.as_dict()}"


def test_every_row_of_the_file_is_either_good_or_rejected(contract):
    rows = [
        "3,2011-01-01,1,a,true,3,4",
        "4,x,1,a,true,3,4",
        "5",
        "7,2011-01-02,,a,,3,4",
        "6,2011-01-01,1,a,t,3,4",
    ]

    cleaned = clean(read_bytes(HEADER + "\n".join(rows).encode()), contract)

    assert cleaned.rows == len(rows)
    assert cleaned.row_numbers.tolist() == [1, 4, 5]
    assert [rejection.row for rejection in cleaned.rejections] == [2, 3]
    assert cleaned.rejected_text["row"].to_pylist() == [2, 3]
    assert cleaned.rejected_text["text"].to_pylist()[1] == "5"


def test_a_fault_in_an_ignored_column_costs_the_cell_and_not_the_row(contract):
    cleaned = clean(read_bytes(HEADER + b"3,2011-01-01,1,a,true,many,4\n"), contract)

    assert cleaned.good["casual"].to_pylist() == [None]


def test_a_file_that_lacks_a_column_is_refused_and_extra_columns_are_dropped(contract):
    with pytest.raises(ContractError, match="'temp'"):
        clean(read_bytes(b"id,day,season,open,cnt\n1,2011-01-01,a,true,4\n"), contract)

    wider = clean(read_bytes(b"id,day,temp,season,open,cnt,note\n1,2011-01-01,1,a,true,4,x\n"), contract)

    assert "note" not in wider.good.column_names


def test_whole_numbers_with_decimals_are_the_same_label():
    first = read_bytes(b"x,y\n1,1\n2,2\n")
    contract = infer_contract(first, Fields("binary", "y", rules={"y": ColumnRules(allowed=("1", "2"))}))

    cleaned = clean(read_bytes(b"x,y\n1,1.0\n2, 2 \n3,3\n"), contract)

    assert cleaned.good["y"].to_pylist() == ["1", "2"]
    assert [rejection.reason for rejection in cleaned.rejections] == [Reason.UNKNOWN_LABEL]


def test_an_empty_file_is_clean(contract):
    cleaned = clean(read_bytes(HEADER), contract)

    assert cleaned.rows == 0


def test_texts_and_images_are_cleaned_by_their_own_limits():
    fields = Fields("binary", "label", columns={"message": "text", "photo": "image"})
    first = read_bytes(b"message,photo,label\nhello there,iVBORw0KGgo=,a\n")
    long, longer = "word " * 19_999, "word " * 20_001
    rows = [f"{long},/9j/4AAQ,a", f"{longer},/9j/4AAQ,a", "hello,aGVsbG8=,a", ",,a"]

    cleaned = clean(
        read_bytes(b"message,photo,label\n" + "\n".join(rows).encode()), infer_contract(first, fields)
    )

    assert [(each.row, each.column, each.reason) for each in cleaned.rejections] == [
        (2, "message", Reason.TOO_LONG),
        (3, "photo", Reason.NOT_AN_IMAGE),
    ]
    assert cleaned.good["photo"].to_pylist() == [b"\xff\xd8\xff\xe0\x00\x10", None]
    assert [None if cell is None else len(cell) for cell in cleaned.good["message"].to_pylist()] == [
        99_994,
        None,
    ]
