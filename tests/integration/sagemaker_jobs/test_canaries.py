"""No container writes what is in a row: into its log, into the reason of a failure, or into a refusal."""

import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sagemaker_jobs.engines import load_predictor
from sagemaker_jobs.learners import scikit_learn
from sagemaker_jobs.serve_model.app import Application, Exchange, lines_of
from sagemaker_jobs.serve_model.settings import Settings
from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows

CANARY = "kanarie-7431"
FEW = {"hyperparameters": {"max_iter": 5}}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    job = OptMl(tmp_path_factory.mktemp("model"), "binary", **FEW)
    assert job.train(rows(200), rows(60, 1)) == 0
    return job


def written(job, capsys):
    """Return what a job has logged, and what SageMaker shows of it."""
    out, err = capsys.readouterr()
    shown = (job.base / "output" / "failure", job.base / "processing" / "output" / "message")
    return out + err + "".join(path.read_text() for path in shown if path.is_file())


def spoilt(name, frame):
    """Return rows in which a column holds a canary instead of what it should."""
    return frame.assign(**{name: pd.Series([CANARY] * len(frame), dtype=object)})


@pytest.mark.parametrize("name", ["temp", "holiday", "at", "season"])
def test_a_training_on_rows_that_are_not_what_they_should_be(tmp_path, capsys, name):
    job = OptMl(tmp_path, "binary", **FEW)

    job.train(spoilt(name, rows(200)), spoilt(name, rows(60, 1)))

    assert CANARY not in written(job, capsys)


def test_a_training_on_labels_that_are_none(tmp_path, capsys):
    job = OptMl(tmp_path)

    assert job.train(spoilt("rides", rows(200)), rows(60, 1)) == 1

    assert CANARY not in written(job, capsys)


@pytest.mark.parametrize("error", [ValueError, TypeError, RuntimeError, KeyError])
def test_a_library_that_repeats_a_cell_when_it_fails(tmp_path, capsys, monkeypatch, error):
    def fit(*_, **__):
        raise error(f"could not convert string to float: {CANARY!r}")

    monkeypatch.setattr(scikit_learn, "threadpool_limits", fit)
    job = OptMl(tmp_path, "binary", **FEW)

    assert job.train(rows(200), rows(60, 1)) == 1

    text = written(job, capsys)
    assert CANARY not in text
    assert error.__name__ in text or "cannot learn this: could not convert string to float: …" in text


def test_an_export_that_fails_over_a_cell(tmp_path, capsys, monkeypatch):
    def export(*_):
        raise RuntimeError(f"no tensor of {CANARY}")

    monkeypatch.setattr("sagemaker_jobs.onnx_export.export.export_onnx", export)
    job = OptMl(tmp_path, "binary", **FEW)

    assert job.train(rows(200), rows(60, 1)) == 0

    text = written(job, capsys)
    assert CANARY not in text
    assert "RuntimeError: no tensor of …" in text


@pytest.mark.parametrize("name", ["temp", "holiday", "season", "busy"])
def test_an_evaluation_on_rows_that_are_not_what_they_should_be(tmp_path, capsys, trained, name):
    job = OptMl(tmp_path, "binary")

    job.evaluate(spoilt(name, rows(100, 2)), trained.model)

    assert CANARY not in written(job, capsys)


def parquet(**columns):
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


ROW = {"temp": 1.0, "season": "fall", "holiday": False, "at": "2011-01-01"}
REQUESTS = [
    ("application/json", json.dumps({"instances": [{**ROW, name: CANARY}]}))
    for name in ROW
    if name != "season"
] + [
    ("application/json", json.dumps({"instances": [{**ROW, CANARY: 1}]})),
    ("application/json", json.dumps({"instances": [{**ROW, "temp": {CANARY: CANARY}}]})),
    ("application/json", json.dumps({"instances": CANARY})),
    ("application/json", json.dumps({CANARY: CANARY})),
    ("application/json", f'{{"instances": [{CANARY}'),
    ("application/json", json.dumps({"columns": ["temp", CANARY], "data": [[CANARY, CANARY]]})),
    ("application/jsonlines", f'{{"temp": "{CANARY}"}}\n{CANARY}\n'),
    ("text/csv", f"{CANARY},fall,false,2011-01-01\n"),
    ("text/csv", f"temp,season,holiday,at\n{CANARY},fall,false,{CANARY}\n"),
    ("text/csv", f'1,"{CANARY}\n'),
    ("text/csv", f"1,2,3,4,5,{CANARY}\n"),
    ("application/x-parquet", f"PAR1{CANARY}PAR1"),
    (f"text/{CANARY}", "1"),
]


@pytest.mark.parametrize(("content_type", "body"), REQUESTS)
def test_requests_that_cannot_be_answered(trained, capfd, content_type, body):
    application = Application(load_predictor(trained.model, "onnx"), Settings(capture_share=0.0))

    reply = application.reply({b"content-type": content_type.encode()}, body.encode())

    out, err = capfd.readouterr()
    assert CANARY not in out + err
    if reply.status != 200 and CANARY not in content_type:
        assert CANARY not in reply.body.decode()


def test_cells_in_parquet_that_are_not_what_they_should_be(trained, capfd):
    application = Application(load_predictor(trained.model, "onnx"), Settings(capture_share=0.0))
    body = parquet(**{**{name: [cell] for name, cell in ROW.items()}, "temp": [CANARY], CANARY: [CANARY]})

    reply = application.reply({b"content-type": b"application/x-parquet"}, body)

    out, err = capfd.readouterr()
    assert reply.status == 400
    assert CANARY not in out + err + reply.body.decode()


def test_a_model_that_fails_over_a_cell(trained, capfd, monkeypatch):
    application = Application(load_predictor(trained.model, "onnx"), Settings(capture_share=0.0))

    def ask(rows):
        raise ValueError(f"unknown category {CANARY}")

    monkeypatch.setattr(application._questioner, "ask", ask)
    reply = application.reply(
        {b"content-type": b"application/json"}, json.dumps({"instances": [ROW]}).encode()
    )

    out, err = capfd.readouterr()
    assert reply.status == 500
    assert CANARY not in out + err + reply.body.decode()
    assert "ValueError: unknown category …" in err
    assert "test_canaries.py" in err


def _no_cells():
    raise KeyError(CANARY)


def test_an_exchange_that_cannot_be_captured(capfd):
    exchange = Exchange(
        parquet(temp=[CANARY]), "application/x-parquet", _no_cells, b"{}", "application/json", "", 0.0
    )
    assert lines_of(exchange) == []

    out, err = capfd.readouterr()
    assert CANARY not in out + err
