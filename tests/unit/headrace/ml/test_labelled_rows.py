import pyarrow as pa
import pytest

from headrace.ml.contract import ColumnSchema, Contract
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.labelled_rows import labelled, merged, of_join, training_rows
from tests.feedback import at, labels, predictions

TABLE = predictions(("10 08:00", "a", "ann"), ("10 09:00", "b", None))
COLUMNS = (
    ColumnSchema("customer", "category", "id"),
    ColumnSchema("when", "datetime", "time"),
    ColumnSchema("temp", "number"),
    ColumnSchema("season", "category"),
    ColumnSchema("note", "category", "ignored"),
    ColumnSchema("churned", "category", "target"),
)
CONTRACT = Contract("binary", COLUMNS)


def rows(*given, join="j1", table=TABLE, joined_at="20 00:00"):
    return labelled(table.slice(0, len(given)), labels(*given), join, at(joined_at))


def test_a_label_is_added_to_its_prediction():
    (row,) = rows({"label": "0", "labelled_at": at("12 00:00")}).to_pylist()

    assert {name: row[name] for name in ("_inference_id", "temp", "_label", "_source", "_join")} == {
        "_inference_id": "a",
        "temp": 0.0,
        "_label": "0",
        "_source": "feedback/a.csv#v1",
        "_join": "j1",
    }
    assert row["_labelled_at"] == at("12 00:00")


def test_a_label_may_say_of_whom_the_prediction_is():
    found = rows({"entity": "x"}, {"entity": "bob"})

    assert found.column("_entity").to_pylist() == ["ann", "bob"]


def test_the_same_labels_once_more_change_nothing():
    first = merged(None, rows({}, {}))

    again = merged(first.rows, rows({}, {}, join="j2", joined_at="21 00:00"))

    assert (first.new, first.corrected) == (2, 0)
    assert again.changed == 0
    assert again.rows.equals(first.rows)


def test_a_later_label_corrects_and_an_earlier_one_does_not():
    first = merged(None, rows({"label": "0", "labelled_at": at("12 00:00")})).rows

    late = merged(first, rows({"label": "1", "labelled_at": at("11 00:00")}, join="j2"))
    correction = merged(
        first, rows({"label": "1", "labelled_at": at("13 00:00")}, join="j3", joined_at="21 00:00")
    )

    assert late.rows.equals(first)
    assert (correction.new, correction.corrected) == (0, 1)
    assert correction.rows.select(["_label", "_join", "_joined_at"]).to_pylist() == [
        {"_label": "1", "_join": "j3", "_joined_at": at("21 00:00")}
    ]


def test_a_correction_does_not_win_over_the_same_label_that_was_given_again_after_it():
    first = merged(None, rows({"label": "0", "labelled_at": at("11 00:00")})).rows
    again = merged(first, rows({"label": "0", "labelled_at": at("13 00:00")}, join="j2"))

    between = merged(again.rows, rows({"label": "1", "labelled_at": at("12 00:00")}, join="j3"))

    assert again.changed == between.changed == 0
    assert between.rows.column("_label").to_pylist() == ["0"]


def test_new_rows_join_those_that_were_labelled_before():
    first = merged(None, rows({})).rows

    both = merged(first, labelled(TABLE.slice(1), labels({}), "j2", at("21 00:00")))

    assert (both.new, both.corrected) == (1, 0)
    assert both.rows.column("_join").to_pylist() == ["j1", "j2"]
    assert of_join(both.rows, "j2").column("_inference_id").to_pylist() == ["b"]


def test_rows_to_learn_from_are_those_that_the_contract_asks_for():
    found = training_rows(rows({"label": "0"}, {"label": "1"}), CONTRACT)

    assert found.rows.to_pylist() == [
        {
            "customer": "ann",
            "when": "2026-01-10 08:00:00.000000Z",
            "temp": "0",
            "season": "winter",
            "churned": "0",
        }
    ]
    assert found.without_id == 1


def test_rows_that_came_before_a_column_lack_it():
    later = (*COLUMNS, ColumnSchema("wind", "number", came_later=True))

    found = training_rows(rows({}), Contract("binary", later))

    assert found.rows.column("wind").to_pylist() == [None]


def test_columns_are_found_by_their_names_in_the_catalogue_too():
    named = (*COLUMNS[:2], ColumnSchema("Temp", "number"), *COLUMNS[3:])

    found = training_rows(rows({}), Contract("binary", named))

    assert found.rows.column("Temp").to_pylist() == ["0"]


def test_images_come_in_as_base64():
    table = TABLE.set_column(7, "temp", pa.array([b"\x89PNG", b""]))
    image = (*COLUMNS[:2], ColumnSchema("temp", "image"), *COLUMNS[3:])

    found = training_rows(rows({}, table=table), Contract("binary", image))

    assert found.rows.column("temp").to_pylist() == ["iVBORw=="]


@pytest.mark.parametrize(
    ("contract", "says"),
    [
        (Contract("binary", (*COLUMNS, ColumnSchema("wind", "number"))), "do not have column 'wind'"),
        (Contract("binary", (COLUMNS[0], ColumnSchema("n", "number", "time"), *COLUMNS[2:])), "'n'"),
        (Contract("binary", COLUMNS, steps=(DeclaredStep("trim", ("season",), {}),)), "a second time"),
    ],
    ids="column time steps".split(),
)
def test_what_cannot_fit_is_not_handed_over(contract, says):
    found = training_rows(rows({}), contract)

    assert found.rows is None
    assert says in found.why_not


def test_without_an_id_no_row_is_handed_over():
    found = training_rows(labelled(TABLE.slice(1), labels({}), "j1", at("20 00:00")), CONTRACT)

    assert (found.rows, found.without_id, found.why_not) == (None, 1, "no request had the id column")
