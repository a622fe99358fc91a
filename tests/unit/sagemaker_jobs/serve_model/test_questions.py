import json
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.rows import CellError
from sagemaker_jobs.serve_model.app import Application
from sagemaker_jobs.serve_model.questions import Questioner
from sagemaker_jobs.serve_model.requests import RequestError, read_cells
from sagemaker_jobs.serve_model.settings import Settings
from tests.unit.sagemaker_jobs.serve_model.models import SCHEMA, MatrixSum, Sum

CSV, JSON, LINES = "text/csv", "application/json", "application/jsonlines"
NAMES = [column.name for column in SCHEMA]
QUICK, CAREFUL = Questioner(Sum()), Questioner(Sum())
CAREFUL._quick = {}

PLAIN = """0.5 -3 +.5 1_000 1e999 NaN nan inf null true yes maybe red 2.0 NA 2011-01-31 2011-02-30 "a" a"b temp hr"""
CELLS = st.sampled_from([*PLAIN.split(), "", " ", "\ufeff", "\x0b", "a,b", '"a,b"', "\ud83d\ude00"])
VALUES = st.one_of(
    CELLS,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(st.integers(), max_size=1),
    st.just({"a": 1}),
)
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\u2028"])


@st.composite
def csv_bodies(draw):
    names = draw(st.permutations([*NAMES, "extra"]))[: draw(st.integers(4, 6))]
    widths = st.sampled_from([len(names)] * 6 + [4, 7])
    rows = [
        ",".join(draw(st.lists(CELLS, min_size=(width := draw(widths)), max_size=width)))
        for _ in range(draw(st.integers(0, 3)))
    ]
    lines = [",".join(names), *rows] if draw(st.booleans()) else rows
    return (
        draw(st.sampled_from(["", "", "\ufeff"])) + draw(ENDS).join(lines) + draw(st.sampled_from(["", "\n"]))
    )


@st.composite
def json_bodies(draw):
    records = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES), optional={"extra": VALUES})
    rows = draw(st.lists(st.one_of(records, st.lists(VALUES, min_size=5, max_size=5), VALUES), max_size=3))
    if draw(st.booleans()):
        return LINES, draw(ENDS).join(json.dumps(row, ensure_ascii=draw(st.booleans())) for row in rows)
    wrapped = draw(
        st.sampled_from(
            [rows, {"instances": rows}, {"columns": NAMES, "data": rows}, rows[0] if rows else {}]
        )
    )
    return JSON, json.dumps(wrapped)


def read(questioner, body, kind):
    """Return the columns of a request in words, or the reason why it is refused."""
    try:
        columns = questioner.read(body.encode("utf-8", "surrogatepass"), kind)
    except (RequestError, CellError) as error:
        return str(error)
    return repr({name: column.tolist() for name, column in columns.items()}).replace("-0.0", "0.0")


@settings(deadline=None)
@given(csv_bodies())
@example("temp,temp,season,holiday,at,hr\n1,2,3,yes,,5\n")
@example("1,2,yes,,5\n\x0b\n")
def test_csv_is_read_in_one_go_as_it_is_read_cell_by_cell(body):
    assert read(QUICK, body, CSV) == read(CAREFUL, body, CSV)


@settings(deadline=None)
@given(json_bodies())
@example((LINES, '{"temp": 1},{"temp": 2}'))
@example((JSON, "[" * 5000))
@example((JSON, "[[123456789012345678901234567890, 123456789012345678901234567890, 1, null, 1e999]]"))
def test_json_is_read_in_one_go_as_it_is_read_cell_by_cell(form_and_body):
    kind, body = form_and_body
    assert read(QUICK, body, kind) == read(CAREFUL, body, kind)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("temp,season,holiday,at,hr\n0.5,red,yes,2011-01-31,7\n,,,,\n", CSV),
        ("0.5,red,yes,2011-01-31,7\r\n", CSV),
        ('"temp","season","holiday","at","hr"\n"0.5","red, or ""so""","yes","2011-01-31","7"\n', CSV),
        ("extra,hr,at,holiday,season,temp\n1,7,2011-01-31,yes,red,0.5", CSV),
        (json.dumps({"instances": [[0.5, "red", True, "2011-01-31", 7], [None] * 5]}), JSON),
        (json.dumps([dict.fromkeys([*NAMES, "extra"], None)]), JSON),
        (json.dumps(dict.fromkeys(NAMES, None)) + "\n", LINES),
    ],
)
def test_what_programs_write_needs_no_careful_reading(body, kind):
    with patch.object(QUICK, "_read_cells", side_effect=AssertionError):
        QUICK.read(body.encode(), kind)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (CSV, "temp, temp,season,holiday,at,hr\n1,2,3,yes,,5\n"),
        (JSON, json.dumps({"columns": ["temp", *NAMES], "data": [[1, 2, 3, True, None, 5]]})),
    ],
)
def test_a_feature_that_is_there_twice_is_refused_by_name(kind, body):
    assert read(QUICK, body, kind) == "the body has the column 'temp' more than once"


def test_a_column_beyond_the_features_may_be_there_twice():
    assert read(QUICK, "x,x,temp,season,holiday,at,hr\n1,2,3,red,yes,,5\n", CSV).startswith("{'temp'")


def test_of_many_missing_columns_some_are_named_and_the_others_are_counted():
    schema = [ColumnSchema(f"x{number}", "number") for number in range(12)]

    with pytest.raises(
        RequestError, match=r"'x0', 'x1', .* 'x9' and 2 more; send null for what is not known"
    ):
        read_cells(b"{}", JSON, schema)


def test_matrices_are_asked_what_columns_are_asked():
    body = b"0.5,red,yes,2011-01-31,7\n,,,,3\n"

    answers = [Questioner(model).ask(Questioner(model).read(body, CSV)) for model in (Sum(), MatrixSum())]

    assert answers[0].tolist() == answers[1].tolist() == [7.5, 3.0]


def test_a_model_with_other_matrices_is_asked_by_columns():
    model = MatrixSum()
    model.number_names = ("hr", "temp", "holiday", "at")

    assert isinstance(Questioner(model).read(b"0.5,red,yes,2011-01-31,7\n", CSV), dict)


def test_a_model_is_warmed_up_in_every_way_in_which_it_is_asked():
    kinds = [type(rows) for rows in Questioner(MatrixSum()).warm_up()]

    assert kinds == [dict, tuple]


def test_requests_that_were_read_in_different_ways_are_answered_together_and_in_their_order():
    application = Application(MatrixSum(), Settings())
    bodies = [b"1,red,yes,,1\n", b"2,,,,2\n3,,,,3\n", b"\xef\xbb\xbf4,,,,4\n", b"nan,,,,5\n"]
    usual = [application.read({}, body) for body in bodies]
    split = {"columns": NAMES, "data": [[7, "red", True, None, 1]]}
    careful = application.read(
        {b"content-type": JSON.encode(), b"accept": CSV.encode()}, json.dumps(split).encode()
    )

    replies = application.answer_together([*usual[:2], careful, *usual[2:]])

    assert isinstance(careful.rows, dict)
    assert isinstance(usual[0].rows, tuple)
    assert [reply.body for reply in replies] == [b"2.0\n", b"4.0\n6.0\n", b"8.0\n", b"8.0\n", b"5.0\n"]
