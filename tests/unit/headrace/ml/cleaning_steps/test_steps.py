"""Each cleaning step on cells whose outcome was worked out by hand."""

import importlib
import inspect

import pyarrow as pa
import pytest

from headrace.config import cleaning
from headrace.config.cleaning import Cleaning
from headrace.config.declared import declared_fields
from headrace.config.pipeline import Pipeline
from headrace.ml.cleaning import clean
from headrace.ml.cleaning_steps.chain import apply_steps, learned_steps
from headrace.ml.cleaning_steps.registry import CleaningStepError, find_step
from headrace.ml.contract import Fields, infer_contract
from headrace.ml.contract_evolution import EvolutionRules, compare
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.files.small import read_bytes


def stepped(cells, step, learn_from=None, **parameters):
    """Declare a step for column `a` as a pipeline file does, and return what it makes of the cells."""
    table = pa.table({"a": pa.array(cells, pa.string())})
    declared = Pipeline.model_validate(
        {
            "name": "bike",
            "problem": "regression",
            "target": "y",
            "cleaning": {"steps": [{"step": step, "columns": ["a"], **parameters}]},
        }
    )
    head = table if learn_from is None else pa.table({"a": pa.array(learn_from, pa.string())})
    return apply_steps(table, learned_steps(head, declared_fields(declared).steps))


@pytest.mark.parametrize(
    ("step", "parameters", "cells", "expected"),
    [
        ("normalise_text", {}, ["  a \t b ", "Cafe\u0301", None], ["a b", "Caf\u00e9", None]),
        ("normalise_text", {"case": "upper", "spaces": "keep"}, ["a  ß"], ["A  ẞ"]),
        ("normalise_text", {"unicode": "nfkc"}, ["\ufb01ne \uff15"], ["fine 5"]),
        ("missing_tokens", {"tokens": ["-", "Unknown"]}, ["-", " UNKNOWN", "--"], [None, None, "--"]),
        ("parse_numbers", {"decimal": ",", "thousands": "."}, ["1.234,5", "0,5", "12.34", "1.5"], ["1234.5", "0.5", "12.34", "1.5"]),
        ("parse_numbers", {"thousands": "'"}, ["1'234'567.25", "1'23"], ["1234567.25", "1'23"]),
        ("parse_numbers", {"thousands": " "}, ["12 345", "12 34"], ["12345", "12 34"]),
        ("parse_numbers", {"symbols": ["$", "USD"]}, ["$5", "-$5", "5 USD", "5 EUR", "$"], ["5", "-5", "5", "5 EUR", "$"]),
        ("parse_numbers", {"percent": True}, ["12%", "7 %", "3"], ["12e-2", "7e-2", "3"]),
        ("parse_numbers", {"parentheses": True}, ["(5)", "(5", "5"], ["-5", "(5", "5"]),
        ("parse_numbers", {}, ["12%", "(5)", "+5", "1e5"], ["12%", "(5)", "5", "1e5"]),
        ("convert_units", {"units": {"kg": 1, "g": 0.001, "t": 1000}}, ["5 kg", "250g", "2t", "7", "5 Kg"], ["5", "0.25", "2000", "7", "5 Kg"]),
        ("map_values", {"values": {"1": "yes", "0": "no", "9": None}}, ["1", "0", "9", "5"], ["yes", "no", None, "5"]),
        ("map_values", {"values": {"Y": "yes"}, "ignore_case": True}, ["y", " Y "], ["yes", "yes"]),
        ("repair_categories", {"allowed": ["spring", "autumn"]}, ["Sprng", "AUTUMN", "winter"], ["spring", "autumn", "winter"]),
        ("clip_outliers", {"min": 0, "max": 10}, ["-1", "0", "10.5", "x", None], ["0", "0", "10", "x", None]),
        ("clip_outliers", {"max": 0.1, "action": "missing"}, ["0.1", "0.2"], ["0.1", None]),
        ("parse_dates", {"formats": ["%d.%m.%Y", "%m/%d/%Y %I:%M %p"]}, ["31.01.2011", "1/31/2011 5:30 PM", "31.02.2011"],
         ["2011-01-31 00:00:00.000000Z", "2011-01-31 17:30:00.000000Z", "31.02.2011"]),
        ("parse_dates", {"formats": ["%d.%m.%y", "%Y%m%d%H%M%S"]}, ["29.02.12", "29.02.11", "01.03.11", "31.04.11", "20110301235901", "x"],
         ["2012-02-29 00:00:00.000000Z", "29.02.11", "2011-03-01 00:00:00.000000Z", "31.04.11", "2011-03-01 23:59:01.000000Z", "x"]),
        # In 2011 Berlin put the clock on at 2 o'clock of 27 March, and back at 3 o'clock of 30 October.
        ("parse_dates", {"formats": ["%d.%m.%Y %H:%M"], "time_zone": "Europe/Berlin"},
         ["27.03.2011 01:30", "27.03.2011 02:30", "27.03.2011 03:30", "30.10.2011 02:30"],
         ["2011-03-27 00:30:00.000000Z", "2011-03-27 01:00:00.000000Z", "2011-03-27 01:30:00.000000Z", "2011-10-30 00:30:00.000000Z"]),
        ("excel_dates", {}, ["40574", "40574.75", "60", "x"], ["2011-01-31 00:00:00.000000Z", "2011-01-31 18:00:00.000000Z", "60", "x"]),
        ("excel_dates", {"epoch": 1904}, ["39112"], ["2011-01-31 00:00:00.000000Z"]),
    ],
)  # fmt: skip
def test_cells(step, parameters, cells, expected):
    assert stepped(cells, step, **parameters).cells["a"].to_pylist() == expected


@pytest.mark.parametrize(
    ("step", "op", "value", "kept"),
    [
        ("keep_rows", "==", "red", [True, False, False, True]),
        ("keep_rows", "!=", "red", [False, True, True, True]),
        ("keep_rows", "in", ["red", 5], [True, True, False, True]),
        ("drop_rows", "not in", ["red"], [True, False, False, True]),
        ("drop_rows", "<=", 5, [True, False, True, True]),
        ("keep_rows", ">", "2011-01-01", [True, True, True, True]),
        ("keep_rows", ">", "2012-01-01", [True, True, False, True]),
        ("drop_rows", "missing", None, [True, True, True, False]),
        ("keep_rows", "missing", None, [False, False, False, True]),
    ],
)
def test_filters_keep_what_they_cannot_compare(step, op, value, kept):
    found = stepped(["red", "5", "2011-06-01", None], step, op=op, value=value).kept

    assert found.to_pylist() == kept


def test_limits_by_quantiles_are_those_of_the_first_file():
    first = [str(number) for number in range(101)]

    clipped = stepped(["-5", "50", "500"], "clip_outliers", learn_from=first, quantiles=[0.05, 0.95]).cells

    assert clipped["a"].to_pylist() == ["5", "50", "95"]


def test_outliers_are_flagged_in_a_column_beside():
    found = stepped(["-5", "5", "warm"], "flag_outliers", min=0).cells

    assert found.to_pydict() == {"a": ["-5", "5", "warm"], "a_outlier": ["true", "false", None]}


def test_a_calendar_adds_its_parts_by_the_clock_of_the_zone():
    """31 December 2010, 23:30 UTC, is Saturday, 1 January 2011, 0:30 in Berlin, and in ISO week 52."""
    parts = ["year", "quarter", "month", "week", "day", "weekday", "hour", "is_weekend", "is_holiday"]

    found = stepped(
        ["2010-12-31T23:30:00Z"], "calendar", parts=parts, time_zone="Europe/Berlin", holidays=["2011-01-01"]
    ).cells.to_pylist()[0]

    expected = ["2011", "1", "1", "52", "1", "5", "0", "true", "true"]
    assert [found[f"a_{part}"] for part in parts] == expected


def test_steps_run_in_their_order():
    steps = [
        DeclaredStep("map_values", ("a",), {"values": {"x": "y"}}),
        DeclaredStep("map_values", ("a",), {"values": {"y": "z"}}),
    ]

    assert apply_steps(pa.table({"a": ["x"]}), steps).cells["a"].to_pylist() == ["z"]
    assert apply_steps(pa.table({"a": ["x"]}), steps[::-1]).cells["a"].to_pylist() == ["y"]


@pytest.mark.parametrize("block", cleaning.BUILT_IN, ids=cleaning.NAMES)
def test_every_step_takes_what_the_pipeline_file_can_say(block):
    name = str(block.model_fields["step"].annotation.__args__[0])
    function = getattr(importlib.import_module(f"headrace.ml.cleaning_steps.{name}"), name)
    takes = {
        parameter.name: parameter.default
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }

    says = {field: info for field, info in block.model_fields.items() if field not in ("step", "columns")}

    assert takes.keys() == says.keys()
    for field, info in says.items():
        if not info.is_required():
            assert takes[field] == info.default


def test_a_step_that_is_not_there_is_named():
    with pytest.raises(CleaningStepError, match="no cleaning step 'polish'"):
        find_step("polish")


def test_a_failing_step_is_named_and_repeats_no_cell(own_step):
    own_step("explode", "def explode(cells):\n    raise ValueError(cells.to_pylist())")

    with pytest.raises(CleaningStepError) as error:
        apply_steps(pa.table({"a": ["secret"]}), [DeclaredStep("explode", ("a",))])

    assert str(error.value) == "the cleaning step 'explode' failed: ValueError"
    assert error.value.__suppress_context__


def test_a_step_that_loses_rows_is_named(own_step):
    own_step("lose", "def lose(cells):\n    return cells.slice(1)")

    with pytest.raises(CleaningStepError, match="'lose' failed"):
        apply_steps(pa.table({"a": ["x", "y"]}), [DeclaredStep("lose", ("a",))])


def test_a_step_of_ones_own_is_one_function_in_one_file(own_step):
    own_step(
        "fahrenheit",
        "import pyarrow as pa\nimport pyarrow.compute as pc\n"
        "def fahrenheit(cells, *, digits=1):\n"
        "    degrees = pc.divide(pc.subtract(pc.cast(cells, pa.float64()), 32.0), 1.8)\n"
        "    return pc.cast(pc.round(degrees, digits), pa.string())",
    )
    pipeline = Pipeline(
        name="bike",
        problem="regression",
        target="y",
        cleaning=Cleaning(steps=[{"step": "fahrenheit", "columns": ["temp"], "parameters": {"digits": 0}}]),
    )
    table = read_bytes(b"temp,y\n212,1\n50,2\n")
    contract = infer_contract(table, declared_fields(pipeline))

    assert clean(table, contract).good["temp"].to_pylist() == [100.0, 10.0]


def test_a_contract_has_the_columns_that_steps_make_and_asks_files_for_what_they_are_made_of():
    steps = (DeclaredStep("calendar", ("day",), {"parts": ["hour"]}),)
    fields = Fields("regression", "y", time="day", steps=steps)
    first = read_bytes(b"day,y\n2011-01-31T10:00:00Z,1\n")

    contract = infer_contract(first, fields)

    assert [(column.name, column.kind, column.made_of) for column in contract.features] == [
        ("day_hour", "number", "day")
    ]
    assert contract.file_columns == ("day", "y")
    assert clean(first, contract).good["day_hour"].to_pylist() == [10.0]
    breaches = compare(contract, read_bytes(b"y\n1\n"), fields, EvolutionRules()).breaches
    assert [breach.text for breach in breaches] == ["column 'day' is missing"]


def test_steps_that_the_pipeline_file_drops_leave_their_columns_to_older_rows():
    steps = (DeclaredStep("calendar", ("day",), {"parts": ["hour"]}),)
    with_steps = Fields("regression", "y", time="day", steps=steps)
    first = read_bytes(b"day,x,y\n2011-01-31T10:00:00Z,1,1\n")
    before = infer_contract(first, with_steps)
    without = Fields("regression", "y", time="day")

    after = compare(before, first, without, EvolutionRules()).contract
    again = compare(after, first, with_steps, EvolutionRules()).contract

    assert [column.name for column in after.features] == ["x"]
    assert after.changes == (
        "the pipeline file changed column 'day_hour'",
        "the pipeline file changed the cleaning steps",
    )
    assert (after.version, again.version) == (2, 3)
    assert [column.name for column in again.features] == ["x", "day_hour"]


def test_what_a_step_has_learned_stays_as_long_as_it_is_declared_so():
    steps = (DeclaredStep("clip_outliers", ("x",), {"quantiles": [0, 1]}),)
    fields = Fields("regression", "y", steps=steps)
    contract = infer_contract(read_bytes(b"x,y\n1,1\n5,2\n"), fields)

    later = compare(contract, read_bytes(b"x,y\n100,1\n500,2\n"), fields, EvolutionRules()).contract

    assert later is contract
    assert contract.steps[0].learned == {"x": {"min": 1.0, "max": 5.0}}


def test_filtered_rows_are_in_quarantine_with_their_reason():
    steps = (DeclaredStep("drop_rows", ("x",), {"op": "<", "value": 0}),)
    table = read_bytes(b"x,y\n-1,1\n5,2\nwarm,3\n")
    contract = infer_contract(read_bytes(b"x,y\n1,1\n"), Fields("regression", "y", steps=steps))

    cleaned = clean(table, contract)

    assert [str(rejection) for rejection in cleaned.rejections] == [
        "row 1 (row) is one that a cleaning step of the pipeline file drops",
        "row 3, column 'x' (text) is no finite number",
    ]
    assert cleaned.good["x"].to_pylist() == [5.0]
