"""The pages of evaluations, fetched from a deployed pipeline as moto has it."""

import json

import boto3
import pytest

from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.aws.training_history import PastTraining, TrainingHistory
from headrace.cli import main
from tests.integration.ledger import create_ledger

BUCKET = "artifacts"


@pytest.fixture
def history(account, monkeypatch):
    table = create_ledger()
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    outputs = {"LedgerTableName": table.name, "ArtifactsBucketName": BUCKET}
    monkeypatch.setattr(
        DeployedPipeline, "find", lambda name: DeployedPipeline(name, outputs, boto3.Session())
    )
    return TrainingHistory(table)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = main([*arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def trained(history, day, outcome, version=None, *, page=True):
    run = f"headrace-bike-26010{day}"
    history.add(
        PastTraining(
            execution=f"arn:{day}",
            run=run,
            started_at=f"2026-01-0{day}T12:00:00+00:00",
            finished_at=f"2026-01-0{day}T12:30:00+00:00",
            reason="drift",
            because="temp",
            outcome=outcome,
            why=f"why of day {day}",
            retraining=True,
            champion=None,
            version=version,
            seconds=None,
            cost_usd=None,
        )
    )
    if page:
        client = boto3.client("s3")
        for name, body in (("report.html", f"page of day {day}"), ("model_card.json", "{}")):
            client.put_object(Bucket=BUCKET, Key=f"evaluations/{run}/{name}", Body=body.encode())


def test_the_page_of_a_version_is_saved_and_named(history, run, tmp_path):
    trained(history, 1, "registered", 1)
    trained(history, 2, "registered", 2)

    code, out, _ = run("report", "bike", "1")

    assert code == 0
    assert "why of day 1" in out
    assert (tmp_path / "headrace-bike-260101.html").read_text() == "page of day 1"


def test_without_a_version_it_is_that_of_the_last_verdict_of_a_refused_model_too(history, run, tmp_path):
    trained(history, 1, "registered", 1)
    trained(history, 2, "kept_champion")
    trained(history, 3, "failed", page=False)

    code, out, _ = run("report", "bike", "--json", "--save", "page.html", "--card", "card.json")

    assert code == 0
    assert json.loads(out) == {
        "file": "page.html",
        "page": "s3://artifacts/evaluations/headrace-bike-260102/report.html",
        "version": None,
        "outcome": "kept_champion",
        "why": "why of day 2",
        "run": "headrace-bike-260102",
    }
    assert (tmp_path / "page.html").read_text() == "page of day 2"
    assert (tmp_path / "card.json").read_text() == "{}"


def test_it_can_be_shown_in_the_browser(history, run, tmp_path, monkeypatch):
    trained(history, 1, "registered", 1)
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)

    run("report", "bike", "--open")

    assert opened == [(tmp_path / "headrace-bike-260101.html").as_uri()]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["bike"], "no training of bike has come to a verdict yet: headrace trainings bike"),
        (["bike", "7"], "no training of bike has registered version 7"),
    ],
)
def test_what_does_not_exist_is_told(history, run, arguments, says):
    code, _, err = run("report", *arguments)

    assert code == 2
    assert says in err


def test_a_training_without_a_page_is_told(history, run):
    trained(history, 1, "registered", 1, page=False)

    code, _, err = run("report", "bike")

    assert code == 2
    assert "there is no page at s3://artifacts/evaluations/headrace-bike-260101/report.html" in err


def test_a_folder_that_cannot_be_written_is_told(history, run):
    trained(history, 1, "registered", 1)

    code, _, err = run("report", "bike", "--save", "missing/page.html")

    assert code == 2
    assert "missing/page.html cannot be written" in err
