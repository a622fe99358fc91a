"""The command about labels, with a ledger that holds what it is told."""

import json
from types import SimpleNamespace

import pytest

from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.cli import main

ITEMS = [
    {"pk": "feedback", "sk": "file#2026-01-30T23:00:00Z#a", "received": 10, "refused": 1},
    {
        "pk": "feedback",
        "sk": "file#2026-01-31T01:00:00Z#b",
        "received": 4,
        "refused": 0,
        "refused_file": None,
    },
    {
        "pk": "feedback",
        "sk": "file#2026-01-31T02:00:00Z#c",
        "received": 0,
        "refused": 0,
        "refused_file": "empty",
    },
    {
        "pk": "feedback",
        "sk": "join#2026-01-30T23:01:00+00:00#x",
        "matched": 6,
        "corrected": 0,
        "expired": 0,
        "pending": 4,
    },
    {
        "pk": "feedback",
        "sk": "join#2026-01-31T01:01:00+00:00#y",
        "matched": 5,
        "corrected": 2,
        "expired": 1,
        "pending": 2,
    },
]


class Table:
    """A ledger that is read in two pages."""

    def __init__(self, items):
        self.items = items

    def query(self, ExclusiveStartKey=0, **_):  # noqa: N803 - AWS's name
        page = {"Items": self.items[ExclusiveStartKey : ExclusiveStartKey + 2]}
        more = ExclusiveStartKey + 2 < len(self.items)
        return page | ({"LastEvaluatedKey": ExclusiveStartKey + 2} if more else {})


@pytest.fixture
def ledger(monkeypatch):
    table = Table(ITEMS)
    session = SimpleNamespace(resource=lambda _: SimpleNamespace(Table=lambda _: table))
    outputs = {"LedgerTableName": "ledger", "TakeFeedbackFunctionName": "take"}
    table.pipeline = SimpleNamespace(outputs=outputs, session=session)
    monkeypatch.setattr(DeployedPipeline, "find", lambda _: table.pipeline)
    return table


def test_labels_are_counted_in_all_and_by_day(ledger, capsys):
    assert main(["feedback", "status", "bike", "--json"]) == 0

    assert json.loads(capsys.readouterr().out) == {
        "received": 14,
        "refused": 1,
        "refused_files": 1,
        "matched": 11,
        "corrected": 2,
        "expired": 1,
        "pending": 2,
        "days": [
            {
                "day": "2026-01-30",
                "received": 10,
                "refused": 1,
                "refused_files": 0,
                "matched": 6,
                "corrected": 0,
                "expired": 0,
            },
            {
                "day": "2026-01-31",
                "received": 4,
                "refused": 0,
                "refused_files": 1,
                "matched": 5,
                "corrected": 2,
                "expired": 1,
            },
        ],
    }


def test_people_see_tables(ledger, capsys):
    assert main(["feedback", "status", "bike"]) == 0

    printed = capsys.readouterr().out
    assert "labels of bike" in printed
    assert "2026-01-31" in printed


def test_no_labels_are_said_to_be_none(ledger, capsys):
    ledger.items = []

    assert main(["feedback", "status", "bike"]) == 0
    assert "no labels have come" in capsys.readouterr().out


def test_a_pipeline_without_the_block_is_told_what_to_do(ledger, capsys):
    del ledger.pipeline.outputs["TakeFeedbackFunctionName"]

    assert main(["feedback", "status", "bike"]) == 2
    assert "add `feedback: {}`" in capsys.readouterr().err
