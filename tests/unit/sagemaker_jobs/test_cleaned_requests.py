"""Requests go through the cleaning steps of the training."""

import json

import numpy as np
import pytest

from headrace.ml.contract import ColumnSchema
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.request_cleaning import RequestCleaning
from sagemaker_jobs.serve_model.app import Application
from sagemaker_jobs.serve_model.settings import Settings

STEPS = (
    DeclaredStep("parse_numbers", ("rent", "y"), {"decimal": ",", "thousands": "."}),
    DeclaredStep("clip_outliers", ("rent",), {"quantiles": [0, 1]}, {"rent": {"min": 0, "max": 2000}}),
    DeclaredStep("calendar", ("since",), {"parts": ["month"]}),
    DeclaredStep("drop_rows", ("rent",), {"op": ">", "value": 1}),
)
SCHEMA = (ColumnSchema("rent", "number"), ColumnSchema("since_month", "number"))


class Sum:
    """Answers with the sum of a row."""

    schema, classes, steps, threshold = SCHEMA, (), STEPS, None

    def predict(self, columns):
        return np.nansum([columns["rent"], columns["since_month"]], axis=0)


def ask(body, content_type):
    """Return status, predictions or the reason of a refusal, and what was logged."""
    lines = []
    application = Application(Sum(), Settings(capture_share=1.0), lines.append)
    reply = application.reply(
        {b"content-type": content_type.encode(), b"accept": b"application/json"}, body.encode()
    )
    if reply.exchange:
        application.capture(reply.exchange)
    answer = json.loads(reply.body)
    predictions = [each["score"] for each in answer.get("predictions", ())]
    return reply.status, predictions or answer["error"], lines


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        ('since,rent\n2025-06-15,"1.140,5"\n', "text/csv", [1146.5]),
        ('"1.140,5",2025-06-15\n', "text/csv", [1146.5]),
        ('"9.999,0",2025-06-15\n', "text/csv", [2006.0]),
        ('{"instances": [{"rent": 1.14, "since": "2025-06-15"}]}', "application/json", [7.14]),
        ('{"instances": [{"rent": 5000, "since": null}]}', "application/json", [2000.0]),
        # Cleaned by its sender.
        ('{"instances": [{"rent": 1.14, "since_month": 6}]}', "application/json", [7.14]),
    ],
    ids=["header", "positions", "clipped", "numbers", "numbers clipped", "cleaned"],
)
def test_a_request_is_cleaned_as_the_rows_of_the_training_were(body, content_type, expected):
    status, predictions, _ = ask(body, content_type)

    assert (status, predictions) == (200, expected)


def test_a_request_that_lacks_what_a_column_is_made_of_is_told_so():
    status, reason, _ = ask('{"instances": [{"rent": 5}]}', "application/json")

    assert status == 400
    assert reason == "row 1 has no column 'since'; send null for what is not known"


def test_what_was_asked_is_captured_as_it_was_asked():
    body = '"1.140,5",2025-06-15\n'

    _, _, lines = ask(body, "text/csv")

    assert json.loads(lines[0])["captureData"]["endpointInput"]["data"] == body


def test_without_steps_a_request_is_not_touched():
    cleaning = RequestCleaning(SCHEMA)

    assert cleaning.wanted == SCHEMA
