import numpy as np

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.constraint_violations import constraint_violations
from headrace.ml.drift import compare
from headrace.ml.profile import profile_frame

SCHEMA = [ColumnSchema("rooms", "number"), ColumnSchema("town", "category")]


def rows(n, seed=0, **changes):
    rng = np.random.default_rng(seed)
    towns = rng.choice(np.array(["Ulm", "Bonn"], dtype=object), n)
    return {"rooms": rng.integers(1, 9, n).astype(float), "town": towns} | changes


REFERENCE = profile_frame(rows(1000), SCHEMA)


def violations(frame, schema=SCHEMA):
    window = profile_frame(frame, schema, like=REFERENCE)
    document = constraint_violations(REFERENCE, window, compare(REFERENCE, window))
    return {
        (each["feature_name"], each["constraint_check_type"]): each["description"]
        for each in document["violations"]
    }


def test_rows_like_the_baseline_violate_nothing():
    assert violations(rows(500, seed=1)) == {}


def test_a_single_odd_row_violates_nothing():
    odd = rows(500, seed=2)
    odd["rooms"][0], odd["town"][1] = np.nan, "Trier"

    assert violations(odd) == {}


def test_fractions_in_whole_numbers_are_named_in_model_monitors_words():
    found = violations(rows(500, seed=3, rooms=np.full(500, 2.5)))

    assert found["rooms", "data_type_check"].startswith(
        "Data type match requirement is not met. Expected data type: Integral, Expected match: 90.0%."
    )
    assert "exceeds threshold: " in found["rooms", "baseline_drift_check"]


def test_new_values_and_missing_cells_are_named():
    town = rows(500, seed=4)["town"]
    town[:100], town[100:200] = "Trier", None

    found = violations(rows(500, seed=5, town=town))

    assert {check for name, check in found if name == "town"} == {
        "categorical_values_check",
        "completeness_check",
        "baseline_drift_check",
    }


def test_columns_that_are_gone_or_new_are_named():
    schema = [SCHEMA[0], ColumnSchema("floor", "number")]

    found = violations({"rooms": rows(500, seed=6)["rooms"], "floor": np.ones(500)}, schema)

    assert set(found) == {("town", "missing_column_check"), ("floor", "extra_column_check")}
