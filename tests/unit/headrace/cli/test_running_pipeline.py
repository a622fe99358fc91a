"""Commands about a deployed pipeline, with a pipeline that says what it is told."""

import json

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from headrace.aws import deployed_pipeline
from headrace.cli import main

STATUS = {
    "endpoint": {"name": "headrace-bike", "status": "InService", "serves": "v2"},
    "model": {"version": 2},
    "last_training": None,
    "awaiting_approval": [3],
    "alarms": {"bike-monitoring-DriftAlarmCB58C9D4-AF6C7187173E6": "ALARM"},
}


TRAININGS = [
    {
        "started_at": "2026-01-31T12:00:00+00:00",
        "reason": "drift",
        "because": "temp season",
        "outcome": "kept_champion",
        "why": "rmse 42 is no better than 40",
        "champion": 2,
        "version": None,
        "cost_usd": 0.0123,
        "saved_usd": None,
        "tuning": None,
    },
    {
        "started_at": "2026-01-01T12:00:00+00:00",
        "reason": "new_data",
        "because": "the first training, on 900 rows",
        "outcome": "registered",
        "why": "first",
        "champion": None,
        "version": 1,
        "cost_usd": None,
        "saved_usd": None,
        "tuning": {"strategy": "grid", "trials": "6", "best": "alpha=0.1", "objective": "rmse 42"},
    },
]
RUNNING = {"reason": "quality", "since": "2026-02-01T08:30:00+00:00", "execution": "abc"}
REFUSED = [
    {
        "day": "2026-01-30",
        "reason": "drift",
        "rule": "cooldown",
        "times": 99,
        "last_at": "2026-01-30T09:00:00",
        "why": "soon",
    }
]
ALARMS = [
    {"reason": "drift", "since": "2026-01-31T11:00:00+00:00", "about": "temp", "in_vain": 1, "awaits": None}
]


class Deployed:
    """A pipeline that is deployed."""

    def status(self):
        return json.loads(json.dumps(STATUS))

    def check_drift(self):
        return {
            "drifted": True,
            "verdict": "drift",
            "summary": ["temp: mean 1 → 2"],
            "variant": "v3",
            "quality": {"dropped": True, "summary": ["rmse measured: 40 → 55"]},
        }

    def start_training(self):
        return "arn:run"

    def wait_for_training(self, run):
        return {"status": "SUCCEEDED", "run": run}

    def trainings(self, count):
        return {"running": RUNNING, "trainings": TRAININGS[:count], "refused": REFUSED, "alarms": ALARMS}


@pytest.fixture
def deployed(monkeypatch):
    deployed = Deployed()
    monkeypatch.setattr(deployed_pipeline.DeployedPipeline, "find", lambda name: deployed)
    return deployed


@pytest.fixture
def run(capsys):
    def run(*arguments):
        code = main([*arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_the_status_is_a_table_for_people(run, deployed):
    code, out, _ = run("status", "bike")

    assert code == 0
    assert "DriftAlarm: ALARM" in out
    assert "serves: v2" in out


def test_a_training_that_runs_is_told_beside_those_that_have_ended(run, deployed):
    assert "one runs since 2026-02-01 08:30: quality (execution abc)" in run("trainings", "bike")[1]


def test_the_status_is_json_for_scripts(run, deployed):
    assert json.loads(run("status", "bike", "--json")[1]) == STATUS


def test_a_check_shows_what_drifted(run, deployed):
    out = run("check", "bike")[1]

    for told in (
        "model v3",
        "drift",
        "temp: mean 1 → 2",
        "drop",
        "rmse measured: 40 → 55",
        "headrace drift bike",
    ):
        assert told in out
    assert json.loads(run("check", "bike", "--json")[1])["drifted"] is True


def test_a_check_that_fails_fails_the_command(run, deployed, monkeypatch):
    def fail():
        raise deployed_pipeline.RunFailedError("the function has failed: KeyError: 'x'")

    monkeypatch.setattr(deployed, "check_drift", fail)

    assert run("check", "bike")[::2] == (2, "headrace: the function has failed: KeyError: 'x'\n")


def test_a_training_is_waited_for(run, deployed):
    code, out, _ = run("train", "bike")

    assert code == 0
    assert "started arn:run" in out
    assert json.loads(run("train", "bike", "--json")[1]) == {"status": "SUCCEEDED", "run": "arn:run"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (deployed_pipeline.NotDeployedError("there is no stack bike-data"), "there is no stack bike-data"),
        (ClientError({"Error": {"Code": "ExpiredToken", "Message": "old"}}, "X"), "log in again"),
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "X"), "may not do this"),
        (NoCredentialsError(), "headrace local start"),
    ],
)
def test_what_aws_refuses_is_one_line_that_says_what_to_do(run, monkeypatch, error, words):
    def find(name):
        raise error

    monkeypatch.setattr(deployed_pipeline.DeployedPipeline, "find", find)
    code, out, err = run("status", "bike")

    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_a_pipeline_may_be_named_by_the_path_of_its_file(run, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(
        deployed_pipeline.DeployedPipeline, "find", lambda name: asked.append(name) or Deployed()
    )
    path = tmp_path / "mine.yaml"
    path.write_text("name: rides\nproblem: regression\ntarget: cnt\n")

    assert run("status", str(path))[0] == 0

    assert asked == ["rides"]
    assert run("status", str(tmp_path / "none.yaml"))[0] == 2


def test_trainings_are_told_with_why_outcome_model_and_cost_and_so_is_what_was_refused(run, deployed):
    code, out, _ = run("trainings", "bike")

    assert code == 0
    for told in (
        "temp season",
        "v2 stays",
        "$0.0123",
        "unknown",
        "refused by the guard",
        "99",
        "soon",
        "alpha=0.1",
    ):
        assert told in out
    assert "on since 2026-01-31 11:00: drift (temp); waits for a training; 1 retraining in a row" in out


def test_trainings_for_scripts_are_json_and_may_be_limited(run, deployed):
    found = json.loads(run("trainings", "bike", "--json", "--last", "1")[1])

    assert found == {"running": RUNNING, "trainings": TRAININGS[:1], "refused": REFUSED, "alarms": ALARMS}
