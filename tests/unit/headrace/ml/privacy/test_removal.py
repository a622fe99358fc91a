import base64
import json

import pytest

from headrace.ml.privacy.person import Person
from headrace.ml.privacy.protection import same_as_in_cells
from headrace.ml.privacy.removal import found_in

DECLARED = {"id": "order", "subject": "customer", "personal": {"customer": "hash"}}


def person(name):
    return Person.of(name, DECLARED, b"key")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("c-4711", b"customer,y\nc-4711,1\n"),
        ("4711", b"customer,y\n 4711.0 ,1\n"),
        ("c-4711", b'{"customer": "\\u0063-4711"}\n'),
        ("\u00d6berg", "customer,y\n\u00d6berg,1\n".encode()),
        ('a "b"', b'customer,y\n"a ""b""",1\n'),
    ],
)
@pytest.mark.parametrize("dropped", [True, False])
def test_a_person_is_found_however_the_name_is_written(name, body, dropped):
    assert found_in(body, person(name), dropped=dropped)


@pytest.mark.parametrize(("name", "number"), [("1000000", b"1e6"), ("7", b"70e-1"), ("7", b"7.0")])
def test_a_number_in_json_may_be_written_in_several_ways(name, number):
    assert found_in(b'{"customer": %s, "y": 1}\n' % number, person(name))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_dropped_file_may_have_any_encoding(encoding):
    body = "customer,y\nc-4711,1\nc-1,2\n".encode(encoding)

    assert len(found_in(body, person("c-4711"), dropped=True).records) == 1


def test_a_captured_request_that_is_no_text_is_looked_into():
    part = {
        "observedContentType": "text/csv",
        "encoding": "BASE64",
        "data": base64.b64encode(b"customer,y\nc-4711,1\n").decode(),
    }
    strange = {**part, "data": "no base64"}
    lines = [json.dumps({"captureData": {"endpointInput": each}}) for each in (strange, part)]

    found = found_in("\n".join(lines).encode(), person("c-4711"))

    assert found.rest == f"{lines[0]}\n".encode()


@pytest.mark.parametrize("text", [" 7.0 ", "7", "+7.00", "7.5", "red", " 007 ", "-0.0", "1e6"])
def test_single_cells_are_read_as_columns_are(text):
    assert Person._read(text) == same_as_in_cells(text)


def test_what_cannot_name_the_person_is_not_read(monkeypatch):
    monkeypatch.setattr("headrace.ml.privacy.removal._in_dropped", lambda *_: 1 / 0)

    assert found_in(b"customer,y\nc-4712,1\n" * 1000, person("c-4711"), dropped=True) is None
    with pytest.raises(ZeroDivisionError):
        found_in(b"customer,y\nc-47110,1\n", person("c-4711"), dropped=True)
