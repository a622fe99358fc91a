"""Commands about dead letters, with a queue that holds what it is told."""

import json
from types import SimpleNamespace

import pytest

from headrace.aws import letter_box as module
from headrace.aws.delivery import DeliveryError
from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.aws.letter_box import Letter
from headrace.cli import main

LETTERS = [
    Letter("not_json", "no JSON", "shardId-000000000000", "1", "1", 1, None),
    Letter("RetryAttemptsExhausted", "for too long", "shardId-000000000000", "2", "9", 8, None),
    Letter("not_json", "no JSON", "shardId-000000000000", "10", "10", 1, None),
]


class Box:
    def __init__(self):
        self.letters, self.outcome = LETTERS, (10, 0)

    def look(self):
        return self.letters

    def put_back(self):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def box(monkeypatch):
    box, outputs = Box(), {"DeadLettersUrl": "url", "RecordStreamName": "records"}
    session = SimpleNamespace(client=lambda service: service)
    found = SimpleNamespace(outputs=outputs, session=session)
    monkeypatch.setattr(DeployedPipeline, "find", lambda name: found)
    monkeypatch.setattr(module, "LetterBox", lambda *_: box)
    box.outputs = outputs
    return box


def test_letters_are_counted_by_their_reason(box, capsys):
    assert main(["letters", "list", "bike", "--json"]) == 0

    assert json.loads(capsys.readouterr().out) == {
        "letters": [
            {"reason": "RetryAttemptsExhausted", "detail": "for too long", "records": 8},
            {"reason": "not_json", "detail": "no JSON", "records": 2},
        ]
    }


def test_people_see_a_table(box, capsys):
    assert main(["letters", "list", "bike"]) == 0

    printed = capsys.readouterr().out
    assert "dead letters of bike" in printed
    assert "not_json" in printed


def test_an_empty_queue_is_said_in_a_sentence(box, capsys):
    box.letters = []

    main(["letters", "list", "bike"])

    assert "there are no dead letters" in "".join(capsys.readouterr())


def test_what_was_put_back_is_counted(box, capsys):
    assert main(["letters", "retry", "bike", "--json"]) == 0

    assert json.loads(capsys.readouterr().out) == {"records_put_back": 10, "letters_kept": 0}


def test_letters_that_were_kept_are_explained(box, capsys):
    box.outcome = (0, 2)

    main(["letters", "retry", "bike"])

    assert "the stream no longer has their records" in "".join(capsys.readouterr())


def test_a_stream_that_takes_nothing_is_one_line(box, capsys):
    box.outcome = DeliveryError("the stream records did not take 1 of 1 entries in 5 attempts")

    assert main(["letters", "retry", "bike"]) == 2

    assert "the letters of what was not put are kept" in capsys.readouterr().err


def test_a_pipeline_without_a_stream_says_so(box, capsys):
    box.outputs.clear()

    assert main(["letters", "list", "bike"]) == 2

    assert "bike answers no records" in capsys.readouterr().err
