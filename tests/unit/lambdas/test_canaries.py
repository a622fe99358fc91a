"""No function logs, raises or measures what is in a record, whatever fails."""

import importlib
import io
import json
import sys
import traceback
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from headrace.aws.capture import CaptureError, parse_capture
from headrace.aws.logs import function_logger
from headrace.ml.privacy.redaction import HIDDEN
from lambdas.check_quality import handler as check_quality
from lambdas.join_feedback import handler as join_feedback
from lambdas.record_predictions.handler import record_predictions
from lambdas.score_records import handler as score_records
from lambdas.score_records.scoring import Ports as ScoringPorts
from lambdas.store_predictions.handler import store_predictions
from lambdas.take_feedback import handler as take_feedback
from tests.unit.lambdas.captures import record
from tests.unit.lambdas.test_check_drift import check
from tests.unit.lambdas.test_check_drift import ports as drift_ports  # noqa: F401 - a fixture
from tests.unit.lambdas.test_check_quality import PIPELINE as LOANS
from tests.unit.lambdas.test_check_quality import (
    performance,  # noqa: F401 - a fixture
    traffic,
)
from tests.unit.lambdas.test_check_quality import ports as quality_ports  # noqa: F401 - a fixture
from tests.unit.lambdas.test_prepare_batch import prepare  # noqa: F401 - a fixture
from tests.unit.lambdas.test_record_predictions import PIPELINE, Traffic
from tests.unit.lambdas.test_score_records import Taking, records
from tests.unit.lambdas.test_store_predictions import Counted, InMemoryStore, decode_log_batch, log_event
from tests.unit.lambdas.test_take_feedback import request, stored  # noqa: F401 - a fixture
from tests.unit.lambdas.traffic import NOW

CANARY = "kanarie-7431"
LAMBDAS = Path(importlib.import_module("lambdas").__file__).parent
NAMES = sorted(folder.name for folder in LAMBDAS.iterdir() if (folder / "handler.py").is_file())


def module_of(name):
    return importlib.import_module(f"lambdas.{name}.handler")


class Hostile(dict):
    """An event that cannot be read, and says so by repeating a cell."""

    def __getitem__(self, name):
        raise ValueError(f"could not convert string to float: {CANARY!r}")

    def __contains__(self, name):
        return self[name]

    def get(self, name, default=None):
        return self[name]

    items = keys = values = __iter__ = lambda self: self[""]


def reported(error):
    """Return what Lambda's runtime client logs, and tells the service that called, of what a handler has raised."""
    frames = traceback.format_list(traceback.extract_tb(error.__traceback__))
    return json.dumps([type(error).__name__, str(error), repr(error), *frames])


@pytest.fixture
def logged(monkeypatch, capsys):
    """What functions write, to wherever they do."""
    written = io.StringIO()
    for name in NAMES:
        logger = getattr(module_of(name), "logger", None)
        if logger is not None:
            monkeypatch.setattr(logger.handlers[0], "stream", written)

    def read():
        out, err = capsys.readouterr()
        return written.getvalue() + out + err

    return read


@pytest.mark.parametrize("name", NAMES)
def test_what_a_function_raises_repeats_no_cell(name, monkeypatch, logged):
    module = module_of(name)
    failed = Hostile()
    monkeypatch.setattr(module, "_deps", lambda *_: failed[""], raising=False)

    with pytest.raises(ValueError, match=f"could not convert string to float: {HIDDEN}") as caught:
        module.handler(failed, None)

    assert CANARY not in reported(caught.value)
    assert CANARY not in logged()


@pytest.mark.parametrize("name", [name for name in NAMES if hasattr(module_of(name), "logger")])
def test_every_function_logs_through_what_hides_cells(name):
    hiding = type(function_logger().logger_formatter)

    assert type(module_of(name).logger.logger_formatter) is hiding


def test_a_traceback_that_is_logged_says_where_and_of_what_kind_and_repeats_no_cell(logged):
    logger = score_records.logger
    try:
        try:
            float(CANARY)
        except ValueError as error:
            error.add_note(CANARY)
            raise RuntimeError(f"the row {CANARY} is broken") from error
    except RuntimeError:
        logger.exception("the picture could not be drawn")

    text = logged()
    assert CANARY not in text
    line = json.loads(text)
    assert line["message"] == "the picture could not be drawn"
    assert line["exception_name"] == "RuntimeError"
    assert Path(__file__).name in line["exception"]
    assert "which led to" in line["exception"]


class Model:
    """Fails in another way for each request, and says what it was given."""

    def __init__(self, error):
        self.error = error

    def predict(self, rows, inference_id):
        raise self.error(CANARY)


class Context:
    def get_remaining_time_in_millis(self):
        return 900_000


def test_records_of_a_stream_are_not_repeated(logged, monkeypatch):
    letters, metrics = Taking(), Counted()
    batch = records({"x": CANARY}, CANARY.encode(), b'{"' + CANARY.encode(), [CANARY], {CANARY: 1})
    monkeypatch.setattr(metrics, "put", lambda values, **_: metrics.update(values), raising=False)
    deps = score_records.Dependencies(
        "id", ScoringPorts(Model(ValueError), Taking(), letters), metrics, lambda: 0.0
    )
    monkeypatch.setattr(score_records, "_deps", lambda: deps)
    monkeypatch.setattr(score_records, "read_records", lambda event: batch)

    with pytest.raises(ValueError, match=HIDDEN) as caught:
        score_records.handler({}, Context())

    assert CANARY not in reported(caught.value) + logged() + json.dumps(metrics)


def test_a_record_that_is_refused_has_its_reason_without_its_cells(logged, monkeypatch):
    letters = Taking()
    batch = records(
        CANARY.encode(), b'{"' + CANARY.encode(), [CANARY], b'{"x": NaN, "y": "' + CANARY.encode()
    )
    deps = score_records.Dependencies(
        "id", ScoringPorts(Model(ValueError), Taking(), letters), Counted(), lambda: 0.0
    )
    score_records.score_records(batch, deps, Context())

    assert len(letters) == 4
    assert CANARY not in logged()
    assert CANARY not in json.dumps([(letter.reason, letter.detail) for letter in letters])


@pytest.mark.parametrize(
    "line",
    [
        CANARY,
        f'{{"captureData": "{CANARY}"}}',
        f'{{"{CANARY}": 1}}',
        record("e", [], [], time=CANARY),
        record("e1", [f"{CANARY},winter"], [CANARY]).replace('"CSV"', f'"{CANARY}"'),
    ],
)
def test_captured_lines_are_not_repeated(line, logged):
    metrics = Counted()
    batch = decode_log_batch(log_event([line, record("e2", [f"{CANARY},{CANARY}"], [CANARY])]))

    store_predictions(batch, "bike", InMemoryStore(), metrics)

    assert CANARY not in logged() + json.dumps(metrics)


@pytest.mark.parametrize("line", [CANARY, f'{{"captureData": "{CANARY}"}}', record("e", [], [], time=CANARY)])
def test_why_a_captured_line_cannot_be_read_is_said_without_it(line):
    with pytest.raises(CaptureError) as caught:
        parse_capture(line)

    assert CANARY not in reported(caught.value)


def test_recording_and_checking_captures_repeats_no_cell(logged, drift_ports):  # noqa: F811
    lines = [
        record("e1", [f"{CANARY},winter", f"0.3,{CANARY}"], [CANARY, 30]),
        record("e2", [f"0.3,{CANARY},{CANARY}"], [30]),
        record("e3", [CANARY], [30]),
    ]
    traffic = Traffic()
    traffic.write(lines)
    record_predictions(PIPELINE, traffic.ports, NOW, lambda: True)
    drift_ports.captured.write(lines * 40)
    check(drift_ports)

    assert CANARY not in logged() + json.dumps(drift_ports.metrics)


def test_labels_are_not_repeated(logged, stored):  # noqa: F811
    calls = [
        {
            "labels": [
                {"inference_id": CANARY, "label": CANARY},
                CANARY,
                {CANARY: CANARY},
                {"label": [CANARY]},
            ]
        },
        {"labels": CANARY},
        {CANARY: CANARY},
        request(f'{{"labels": [{CANARY}'),
        request(json.dumps({"labels": [{"inference_id": "a", "label": 1, "labelled_at": CANARY}]})),
    ]
    answers = [take_feedback.handler(call, None) for call in calls]

    assert CANARY not in logged()
    assert CANARY not in json.dumps([answer for answer in answers if "records" not in answer])


def test_a_message_that_cannot_be_taken_is_logged_without_its_cells(logged, monkeypatch):
    monkeypatch.setattr(join_feedback, "_deps", lambda: float(CANARY))
    message = {"messageId": "1", "body": json.dumps({"detail": CANARY}), "eventSource": "aws:sqs"}

    with pytest.raises(Exception, match="All records failed processing") as caught:
        join_feedback.handler({"Records": [message]}, Context())

    text = logged()
    assert CANARY not in text + reported(caught.value)
    assert "ValueError" in text
    assert "test_canaries.py" in text


def test_rows_of_a_batch_are_not_repeated(logged, prepare):  # noqa: F811
    rows = f"id,temp,season\n{CANARY},{CANARY},{CANARY}\na,0.1\nb,{CANARY},fall,{CANARY}\nc,0.2,fall\n"
    told, _ = prepare(rows.encode())

    assert CANARY not in json.dumps(told) + logged()
    for body in (f"<html>{CANARY}", f'{{"a": "{CANARY}"', f"PAR1{CANARY}PAR1", f'id,temp\n"{CANARY}\n'):
        told, _ = prepare(body.encode())
        assert CANARY not in json.dumps(told) + logged()


@pytest.mark.parametrize("column", ["_label", "_prediction", "_score", "region", "_time", "_joined_at"])
def test_labelled_rows_that_are_not_what_they_should_be_are_not_repeated(
    logged,
    quality_ports,  # noqa: F811
    column,
    monkeypatch,
):
    rows = traffic(2000).to_pandas()
    rows[column] = pd.Series([CANARY, *rows[column][1:].astype(str)], dtype=object)
    for keep in (quality_ports.rows.predict, quality_ports.rows.label):
        keep("a", pa.Table.from_pandas(rows, preserve_index=False))
    monkeypatch.setattr(check_quality, "_deps", lambda: (LOANS, quality_ports))

    try:
        told = json.dumps(check_quality.handler({}, None))
    except Exception as error:
        told = reported(error)

    assert CANARY not in told + logged() + json.dumps(quality_ports.metrics)


def test_the_canary_would_be_seen(logged):
    sys.stdout.write(CANARY)
    score_records.logger.warning("x", extra={"cell": CANARY})

    assert logged().count(CANARY) == 2
