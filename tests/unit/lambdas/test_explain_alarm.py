from datetime import UTC, datetime, timedelta

import pytest

from headrace.aws.training_log import LastTraining, Lock
from headrace.config.pipeline import Pipeline
from lambdas.explain_alarm.handler import LATEST, Ports, Settings, explain_alarm
from lambdas.explain_alarm.text import Links, explain
from lambdas.guard_training.situation import Known
from tests.unit.lambdas.training_ledger import FakeCases, FakeHistory, FakeLog

NOW = datetime(2026, 1, 31, 11, 0, 30, tzinfo=UTC)
SETTINGS = Settings(artifacts_bucket="artifacts", dashboard="Dashboard-1", region="eu-west-1")
REPORT = {
    "pipeline": "bike",
    "variant": "v3",
    "drifted": True,
    "drifted_features": ["temp", "season"],
    "summary": ["temp: mean 0.20 to 0.56", "season: spring 0 % to 71 %"],
    "rows": 1488,
    "checked_at": "2026-01-31T11:00:04Z",
    "window": {"from": "2026-01-31T10:00:00Z", "to": "2026-01-31T11:00:00Z"},
    "report_key": "drift/v3/2026-01-31T11-00-04Z.json",
}


class InMemoryReports(dict):
    def load(self, key):
        return self.get(key)

    def store(self, key, document):
        self[key] = document


class Mailbox(list):
    def publish(self, subject, text):
        self.append((subject, text))


def trained(rows_seen, *, ended=NOW - timedelta(days=1), retraining=True):
    return LastTraining(
        execution="e0",
        started_at=ended.isoformat(),
        finished_at=ended.isoformat(),
        outcome="registered",
        why="",
        retraining=retraining,
        content_hash="h",
        upto=None,
        rows_seen=rows_seen,
        has_model=True,
    )


def explain_with(ledger, *, report=REPORT, **pipeline):
    known = Known(ledger, FakeCases(), FakeHistory())
    ports = Ports(InMemoryReports({LATEST: report} if report else {}), known, Mailbox())
    file = Pipeline(name="bike", problem="regression", target="cnt", **pipeline)
    return explain_alarm(SETTINGS, file, ports, NOW), ports


def test_the_message_names_features_change_window_and_where_to_look():
    told, ports = explain_with(FakeLog(rows=900, last=trained(500)))

    ((subject, text),) = ports.recipients
    assert subject == "Headrace bike: drift in temp, season"
    assert "temp: mean 0.20 to 0.56" in text
    assert "1488 rows" in text
    assert "eu-west-1.console.aws.amazon.com" in text
    assert "#dashboards/dashboard/Dashboard-1" in text
    assert "s3://artifacts/drift/v3/2026-01-31T11-00-04Z.json" in text
    assert ports.reports["drift/alarms/2026-01-31T11-00-30Z.json"] == told


@pytest.mark.parametrize(
    ("ledger", "pipeline", "expected"),
    [
        (FakeLog(rows=900, last=trained(500)), {}, "retraining starts now, with 400 new labelled rows."),
        (FakeLog(rows=500, last=trained(500)), {}, "no retraining yet: no new labelled data"),
        (FakeLog(rows=501, last=trained(500)), {}, "no retraining yet: only 1 new labelled rows"),
        (
            FakeLog(rows=900, last=trained(500, ended=NOW - timedelta(minutes=10))),
            {},
            "no retraining yet: the cooldown after the last retraining ends at 2026-01-31T11:50:30Z",
        ),
        (
            FakeLog(rows=900, last=trained(500), lock=Lock("e1", NOW.isoformat(), "drift")),
            {},
            "a training is running",
        ),
        (
            FakeLog(rows=900, last=trained(500), lock=Lock("e1", "2026-01-01T00:00:00+00:00", "drift")),
            {},
            "retraining starts now",
        ),
        (
            FakeLog(rows=900, last=trained(500)),
            {"retraining": {"on": ["new_data"]}},
            "drift alone does not retrain",
        ),
    ],
)
def test_the_message_says_what_happens_next(ledger, pipeline, expected):
    told, _ = explain_with(ledger, **pipeline)

    assert expected in told["next"]
    assert f"Next: {told['next']}" in told["text"]


@pytest.mark.parametrize("report", [None, {**REPORT, "drifted": False}])
def test_an_alarm_without_drift_in_the_last_report_is_not_explained(report):
    told, ports = explain_with(FakeLog(rows=900), report=report)

    assert told == {"explained": False}
    assert ports.recipients == []


def test_a_long_list_of_features_fits_into_what_sns_allows():
    names = [f"température_{n}" for n in range(40)]
    report = {**REPORT, "drifted_features": names, "summary": [f"{name}: moved" for name in names]}

    explanation = explain(report, "nothing.", Links("d", "r"))

    assert len(explanation.subject) == 100
    assert explanation.subject.isascii()
    assert "and 35 more in the report" in explanation.text
