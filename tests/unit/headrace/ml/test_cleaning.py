import numpy as np
import pandas as pd
import pytest

from headrace.ml.cleaning import Reason, clean, summarise
from headrace.ml.contract import ContractError, Fields, infer_contract, with_labels
from headrace.ml.text_table import read_csv_text

HEADER = b"id,day,temp,season,open,casual,cnt\n"
GOOD = HEADER + b"1,2011-01-01,0.3,spring,true,3,4\n2,2011-01-02T10:00:00Z,NA,fall,false,1,7\n"
FIELDS = Fields("regression", "cnt", id="id", time="day", ignore=("casual",))


@pytest.fixture(scope="module")
def contract():
    return infer_contract(read_csv_text(GOOD), FIELDS)


def rejected(contract, *rows):
    return clean(read_csv_text(HEADER + "\n".join(rows).encode()), contract).rejections


def test_good_rows_are_typed(contract):
    frame = clean(read_csv_text(GOOD), contract).frame

    assert frame["temp"].dtype == np.float64
    assert frame["temp"].isna().tolist() == [False, True]
    assert frame["day"].tolist() == [pd.Timestamp("2011-01-01"), pd.Timestamp("2011-01-02 10:00")]
    assert str(frame["open"].dtype) == "boolean"
    assert frame["id"].tolist() == ["1", "2"]


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

    assert "secret" not in f"{found} {found[0]} {summarise(found)}"


def test_every_row_of_the_file_is_either_good_or_rejected(contract):
    rows = [
        "3,2011-01-01,1,a,true,3,4",
        "4,x,1,a,true,3,4",
        "5",
        "3,2011-01-02,1,a,true,3,4",
        "6,2011-01-01,1,a,t,3,4",
    ]

    cleaned = clean(read_csv_text(HEADER + "\n".join(rows).encode()), contract)

    assert cleaned.rows == len(rows)
    assert [rejection.row for rejection in cleaned.rejections] == [1, 2, 3]
    assert cleaned.rejected_text["row"].tolist() == [1, 2, 3]
    assert cleaned.rejected_text["text"].tolist()[2] == "5"
    assert cleaned.bad_row_share == pytest.approx(0.6)


def test_of_rows_with_one_id_the_last_good_one_stays(contract):
    rows = ["3,2011-01-01,1,a,true,3,1", "3,2011-01-01,1,a,true,3,2", "3,2011-01-01,warm,a,true,3,3"]

    cleaned = clean(read_csv_text(HEADER + "\n".join(rows).encode()), contract)

    assert cleaned.frame["cnt"].tolist() == [2]
    assert [rejection.reason for rejection in cleaned.rejections] == [
        Reason.DUPLICATE_ID,
        Reason.NOT_A_NUMBER,
    ]


def test_a_fault_in_an_ignored_column_costs_the_cell_and_not_the_row(contract):
    cleaned = clean(read_csv_text(HEADER + b"3,2011-01-01,1,a,true,many,4\n"), contract)

    assert cleaned.frame["casual"].isna().tolist() == [True]


def test_a_file_that_lacks_a_column_is_refused_and_extra_columns_are_named(contract):
    with pytest.raises(ContractError, match="'temp'"):
        clean(read_csv_text(b"id,day,season,open,cnt\n1,2011-01-01,a,true,4\n"), contract)

    wider = clean(read_csv_text(b"id,day,temp,season,open,cnt,note\n1,2011-01-01,1,a,true,4,x\n"), contract)

    assert wider.extra_columns == ["note"]
    assert "note" not in wider.frame


def test_whole_numbers_with_decimals_are_the_same_label():
    first = read_csv_text(b"x,y\n1,1\n2,2\n")
    contract = with_labels(infer_contract(first, Fields("binary", "y")), ["1", "2"])

    cleaned = clean(read_csv_text(b"x,y\n1,1.0\n2, 2 \n3,3\n"), contract)

    assert cleaned.frame["y"].tolist() == ["1", "2"]
    assert [rejection.reason for rejection in cleaned.rejections] == [Reason.UNKNOWN_LABEL]


def test_an_empty_file_is_clean(contract):
    cleaned = clean(read_csv_text(HEADER), contract)

    assert cleaned.rows == 0
    assert cleaned.bad_row_share == 0
