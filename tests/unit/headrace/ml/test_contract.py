from dataclasses import replace

import pytest

from headrace.ml.column_rules import ColumnRules
from headrace.ml.contract import (
    ColumnSchema,
    Contract,
    ContractError,
    Fields,
    infer_contract,
    missing_columns,
)
from headrace.ml.files.small import read_bytes

FILE = b"id,day,temp,season,open,casual,cnt\n1,2011-01-01,0.3,spring,true,3,4\n2,2011-01-02,,fall,FALSE,1,7\n"
FIELDS = Fields("regression", "cnt", id="id", time="day", ignore=("casual",))


def kinds(contract):
    return {column.name: (column.kind, column.role) for column in contract.columns}


def test_kinds_and_roles_follow_from_cells_and_pipeline_file():
    assert kinds(infer_contract(read_bytes(FILE), FIELDS)) == {
        "id": ("category", "id"),
        "day": ("datetime", "time"),
        "temp": ("number", "feature"),
        "season": ("category", "feature"),
        "open": ("boolean", "feature"),
        "casual": ("number", "ignored"),
        "cnt": ("number", "target"),
    }


def test_a_declared_kind_wins():
    fields = Fields("regression", "cnt", columns={"temp": "category"})

    assert kinds(infer_contract(read_bytes(FILE), fields))["temp"] == ("category", "feature")


def test_a_time_column_that_is_declared_is_a_feature_as_well():
    fields = Fields("regression", "cnt", time="day", columns={"day": "datetime"})

    assert "day" in [column.name for column in infer_contract(read_bytes(FILE), fields).features]


def test_labels_that_look_like_numbers_stay_labels():
    contract = infer_contract(read_bytes(b"x,y\n1,1\n2,2\n"), Fields("binary", "y"))

    assert contract.target.kind == "category"


def test_a_few_wrong_cells_do_not_make_a_number_a_category():
    rows = b"".join(b"%d,1\n" % n for n in range(99))

    assert (
        infer_contract(read_bytes(b"x,y\n" + rows + b"warm,1\n"), Fields("regression", "y")).features[0].kind
        == "number"
    )


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (Fields("regression", "price"), "no column 'price'.* target"),
        (Fields("regression", "cnt", id="key"), "no column 'key'.* id"),
        (Fields("regression", "cnt", time="at"), "no column 'at'.* time"),
        (Fields("regression", "cnt", columns={"wind": "number"}), "'wind'.*declares"),
        (Fields("regression", "season"), "'season' is not a number"),
        (Fields("regression", "cnt", time="season"), "time column 'season'"),
        (
            Fields("regression", "cnt", id="id", time="day", ignore=("temp", "season", "open", "casual")),
            "no column is left",
        ),
    ],
)
def test_a_file_that_does_not_fit_the_pipeline_file_is_refused_with_the_reason(fields, why):
    with pytest.raises(ContractError, match=why):
        infer_contract(read_bytes(FILE), fields)


def test_a_contract_survives_json():
    contract = replace(
        infer_contract(
            read_bytes(FILE),
            replace(FIELDS, rules={"season": ColumnRules(allowed=("fall",), severity="flag")}),
        ),
        labels=("4", "7"),
        observed={"temp": {"missing": 1, "min": 0.3, "max": 0.3}},
    )

    assert Contract.from_dict(contract.as_dict()) == contract


def test_only_ignored_columns_may_be_absent():
    contract = infer_contract(read_bytes(FILE), FIELDS)

    assert missing_columns(contract, ["id", "day", "season", "open", "cnt"]) == ["temp"]


def test_a_schema_entry_of_unknown_kind_is_refused():
    with pytest.raises(ContractError):
        ColumnSchema.from_dict({"name": "x", "kind": "sound"})


def kind_of(cells):
    table = read_bytes(
        ("x,y\n" + "".join(f"{cell},{place % 2}\n" for place, cell in enumerate(cells))).encode()
    )
    return infer_contract(table, Fields("binary", "y")).columns[0].kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([f"please call me back at {hour} o'clock" for hour in range(24)], "text"),
        ([f"please call me back at {hour} o'clock" for hour in range(19)], "category"),  # too few to be sure
        ([f"customer {number}" for number in range(24)], "category"),
        (["married to a civilian spouse", "never married at any time"] * 12, "category"),
        (["iVBORw0KGgo=", "/9j/4AAQ"] * 2, "image"),
        (["iVBORw0KGgo=", "aGVsbG8="] * 2, "category"),
    ],
)
def test_sentences_and_pictures_are_told_from_categories(cells, kind):
    assert kind_of(cells) == kind
