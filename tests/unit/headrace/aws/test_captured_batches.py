import json
import random
from datetime import UTC, datetime

import numpy as np
import pytest

from headrace.aws.capture import Capture, CaptureError, Payload
from headrace.aws.captured_batches import Layout, read_batches
from headrace.aws.captured_rows import read_answers, read_rows
from headrace.ml.captured_cells import typed_cells

LAYOUT = Layout(("temp", "season"), ("ride",))
AT = datetime(2026, 1, 31, 10, tzinfo=UTC)


def capture(number, body, *, rows, content_type="text/csv"):
    answers = "".join(f"{row}.5\n" for row in range(rows))
    asked = Payload(content_type, body)
    return Capture(f"e{number}", None, AT, asked, Payload("text/csv", answers))


def rows_by_event(captures, layout=LAYOUT):
    """Return the cells of every row that was read together, by the event."""
    batches, unreadable = read_batches(captures, layout)
    found = {}
    for batch in batches:
        columns = [typed_cells(batch.cells[name], "category").tolist() for name in batch.cells]
        rows = iter(zip(*columns, strict=True))
        for each, answers in zip(batch.captures, batch.answers, strict=True):
            found[each.event_id] = [next(rows) for _ in answers.predictions], answers
        assert list(rows) == []
    return found, unreadable


def one_by_one(captures, layout=LAYOUT):
    """Return the same, of each request for itself."""
    names, found = [*layout.features, *layout.beside], {}
    for each in captures:
        try:
            cells = read_rows(each, layout.features, beside=layout.beside)
            answers = read_answers(each)
        except CaptureError:
            continue
        if len(cells["temp"]) == len(answers.predictions):
            columns = [typed_cells(cells[name], "category").tolist() for name in names]
            found[each.event_id] = list(zip(*columns, strict=True)), answers
    return found, len(captures) - len(found)


BODIES = [
    "0.3,winter\n0.4,spring\n",
    "0.3,winter\n0.4,spring",
    "0.3,winter\r\n0.4,\r\n",
    "temp,season\n0.3,winter\n0.4,spring\n",
    " season , temp\nwinter,0.3\nspring,\n",
    "ride,temp,season\n7,0.3,winter\n8,0.4,spring\n",
    "ride,temp,extra\n7,0.3,x\n8,0.4,y\n",
    "temp,temp,season\n1,0.3,winter\n2,0.4,spring\n",
    'temp,season\n0.3,"win,ter"\n0.4,"spr\ning"\n',
    "0.3,winter\n\n0.4,spring\n",
    "\n0.3,winter\n0.4,spring\n",
    "0.3,winter,1\n0.4,spring\n",
    "0.3,winter\n0.4\n",
    "temp,season\n",
    "",
    "0.3,süß\n0.4,\x00\n",
    "0.3,winter\n0.4, \n",
    "\x0b,winter\n0.4,\x85\u2028\n",
]


@pytest.mark.parametrize("body", BODIES)
def test_every_body_is_read_as_it_is_for_itself_whatever_stands_beside_it(body):
    plain = [capture(number, f"0.{number},winter\n0.9,spring\n", rows=2) for number in range(3)]
    captures = [plain[0], capture(7, body, rows=2), *plain[1:]]

    assert rows_by_event(captures) == one_by_one(captures)


def test_all_forms_at_once_are_read_as_they_are_one_by_one():
    rng = random.Random(0)
    named = [{"season": "winter", "temp": 0.3, "ride": 7}, {"temp": 2, "season": None}]
    json_bodies = [json.dumps({"instances": named}), json.dumps(named), json.dumps({"instances": 5}), "{"]
    kinds = [(body, "text/csv") for body in BODIES] + [(body, "application/json") for body in json_bodies]
    captures = [
        capture(number, body, rows=rng.choice([2, 2, 2, 1]), content_type=content_type)
        for number, (body, content_type) in enumerate(rng.choices(kinds, k=400))
    ]

    found, unreadable = rows_by_event(captures)

    assert (found, unreadable) == one_by_one(captures)
    assert 100 < unreadable < 300


def test_what_no_request_names_is_missing_in_all_rows():
    batches, _ = read_batches([capture(1, "temp,x\n0.3,1\n", rows=1)], LAYOUT)

    assert typed_cells(batches[0].cells["season"], "category").tolist() == [None]


def test_without_features_the_answers_are_read_alone():
    batches, unreadable = read_batches([capture(1, "what,ever\n", rows=3)], Layout(()))

    assert (len(batches[0].answers[0].predictions), dict(batches[0].cells), unreadable) == (3, {}, 0)
    assert read_batches([], Layout(())) == ([], 0)


def test_rows_of_one_column_may_be_blank_only_where_a_reader_of_csv_skips_them():
    layout = Layout(("message",))
    captures = [capture(1, "a\nb\n", rows=2), capture(2, "a\n\n", rows=2), capture(3, "a\n \n", rows=2)]

    batches, unreadable = read_batches(captures, layout)

    read = [each.event_id for batch in batches for each in batch.captures]
    assert (sorted(read), unreadable) == (["e1", "e3"], 1)


def test_rows_that_are_longer_than_arrows_blocks_are_read():
    long = "x" * 3_000_000
    batches, unreadable = read_batches([capture(1, f"0.3,{long}\n0.4,b\n", rows=2)], LAYOUT)

    assert unreadable == 0
    assert np.char.str_len(typed_cells(batches[0].cells["season"], "text").astype(str)).tolist() == [
        3_000_000,
        1,
    ]
