from datetime import UTC, datetime, timedelta

import pytest

from headrace.aws.alarm_states import AlarmState
from headrace.aws.training_log import LastTraining, Lock
from headrace.config.pipeline import Pipeline
from lambdas.explain_alarm.handler import DRIFT, QUALITY, Ports, Settings, explain_alarm
from lambdas.explain_alarm.page import Page
from lambdas.explain_alarm.text import drifted, explain
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


DRIFT_ALARM = AlarmState(
    "bike-monitoring-DriftAlarm1",
    "Headrace bike: features have moved. Look: the report. Next: retraining, perhaps.",
    "DriftedFeatures",
    "ALARM",
    "1 out of the last 1 datapoints [2.0] was greater than or equal to the threshold (1.0)",
)
PAGE = Page("bike-monitoring-PagesModel1", "Headrace bike: another world.", True, False, (DRIFT_ALARM.name,))


def alarm(name, metric="", state="ALARM"):
    """Return an alarm that says its own name."""
    words = f"Headrace bike: {name} has happened. Look: the log of {name}. Next: {name} is tried again."
    return AlarmState(f"bike-monitoring-{name}", words, metric, state, f"{name} crossed its threshold")


class InMemoryReports(dict):
    def has(self, key):
        return key in self

    def load(self, key):
        return self.get(key)

    def store(self, key, document):
        self[key] = document


class Alarms(list):
    def named(self, names):
        return [found for name in names for found in self if found.name == name]


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


def explain_with(ledger, *, report=REPORT, alarms=(DRIFT_ALARM,), over=False, others=None, **pipeline):
    """Explain a page of `alarms`; return what was told, and the ports."""
    reports = InMemoryReports({DRIFT: report} if report else {})
    reports.update(others or {})
    known = Known(ledger, FakeCases(), FakeHistory())
    ports = Ports(reports, Alarms(alarms), known, Mailbox())
    file = Pipeline(name="bike", problem="regression", target="cnt", **pipeline)
    page = Page(PAGE.name, PAGE.says, not over, over, tuple(found.name for found in alarms))
    return explain_alarm(SETTINGS, file, ports, page, NOW), ports


def test_the_message_names_features_change_window_and_where_to_look():
    told, ports = explain_with(FakeLog(rows=900, last=trained(500)))

    ((subject, text),) = ports.recipients
    assert subject == "Headrace bike: drift in temp, season"
    assert "temp: mean 0.20 to 0.56" in text
    assert "1488 rows" in text
    assert "eu-west-1.console.aws.amazon.com" in text
    assert "#dashboards/dashboard/Dashboard-1" in text
    assert "s3://artifacts/drift/v3/2026-01-31T11-00-04Z.json" in text
    assert ports.reports["alarms/2026-01-31T11-00-30Z.json"] == told


def test_the_message_links_the_report_with_pictures_if_there_is_one():
    page = "drift/v3/2026-01-31T11-00-04Z.html"

    told, _ = explain_with(FakeLog(rows=900), others={page: {}})
    without, _ = explain_with(FakeLog(rows=900))

    assert f"s3/object/artifacts?region=eu-west-1&prefix={page}" in told["text"]
    assert f"aws s3 presign s3://artifacts/{page} --expires-in 3600 --region eu-west-1" in told["text"]
    assert ".html" not in without["text"]


def test_alarms_of_one_cause_are_one_message():
    joint = alarm("JointDrift", metric="JointDrift")
    estimated = alarm("EstimatedQuality", metric="EstimatedQualityDrop")

    told, ports = explain_with(
        FakeLog(rows=900), alarms=(DRIFT_ALARM, joint, estimated, alarm("Quality", state="OK"))
    )

    assert len(ports.recipients) == 1
    assert told["subject"] == "Headrace bike: drift in temp, season, and 1 more"
    assert told["text"].count("no longer looks like") == 1
    assert "EstimatedQuality has happened" in told["text"]
    assert "Quality" not in told["alarms"]


@pytest.mark.parametrize("metric", ["QualityDrop", "EstimatedQualityDrop", "ConceptDrift"])
def test_alarms_on_quality_give_the_figures_of_the_report(metric):
    figures = {
        "summary": ["rmse: 26.8 → 100.9 (95 % sure: 92 to 110), tolerated 40"],
        "report_key": "quality/v3/2026-01-31T11-00-04Z.json",
    }

    told, _ = explain_with(
        FakeLog(rows=900), alarms=(alarm("Quality", metric=metric),), others={QUALITY: figures}
    )

    assert told["subject"] == "Headrace bike: Quality has happened"
    assert "* rmse: 26.8 → 100.9 (95 % sure: 92 to 110), tolerated 40" in told["text"]
    if metric == "EstimatedQualityDrop":
        assert "Next: Quality is tried again." in told["text"]
    else:
        assert "Next: retraining starts now, " in told["text"]
    assert "Report: s3://artifacts/quality/v3/2026-01-31T11-00-04Z.json" in told["text"]


def test_any_other_alarm_is_told_in_the_words_of_its_description():
    told, _ = explain_with(FakeLog(rows=900), alarms=(alarm("EndpointErrors"),))

    assert told["text"].splitlines()[:6] == [
        "EndpointErrors has happened.",
        "",
        "* EndpointErrors crossed its threshold",
        "",
        "Next: EndpointErrors is tried again.",
        "Look: the log of EndpointErrors.",
    ]


def test_the_end_is_told_as_well():
    told, ports = explain_with(FakeLog(rows=900), over=True)

    assert told["subject"] == "Headrace bike: over: another world"
    assert len(ports.recipients) == 1


def test_cloudwatchs_event_of_a_composite_alarm_names_what_it_is_about():
    """The event is AWS's own example, but for the names."""
    arn = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:"
    event = {
        "source": "aws.cloudwatch",
        "alarmArn": f"{arn}SuppressionDemo.Main",
        "alarmData": {
            "alarmName": "CompositeDemo.Main",
            "state": {"value": "ALARM", "reason": "transitioned"},
            "previousState": {"value": "ALARM", "actionsSuppressedBy": "WaitPeriod"},
            "configuration": {
                "alarmRule": f'(ALARM("{arn}First") OR ALARM("{arn}Second"))',
                "actionsSuppressor": "CompositeDemo.ActionsSuppressor",
            },
        },
    }

    assert Page.of(event) == Page("CompositeDemo.Main", "", True, False, ("First", "Second"))


def event_of_alone(state, **previous):
    data = {
        "alarmName": "in-vain",
        "state": {"value": state},
        "previousState": previous,
        "configuration": {"description": "Headrace bike: it does not help.", "metrics": []},
    }
    return {"alarmData": data}


def test_cloudwatchs_event_of_an_alarm_that_is_alone_is_about_itself():
    page = Page.of(event_of_alone("OK", value="ALARM"))

    assert page == Page("in-vain", "Headrace bike: it does not help.", False, True, ("in-vain",))


@pytest.mark.parametrize(
    "previous",
    [
        {"value": "INSUFFICIENT_DATA"},
        {"value": "ALARM", "actionsSuppressedBy": "WaitPeriod"},
    ],
)
def test_nobody_is_told_of_the_end_of_what_nobody_was_told_of(previous):
    page = Page.of(event_of_alone("OK", **previous))
    ports = Ports(InMemoryReports(), Alarms(), Known(FakeLog(), FakeCases(), FakeHistory()), Mailbox())

    told = explain_alarm(
        SETTINGS, Pipeline(name="bike", problem="regression", target="cnt"), ports, page, NOW
    )

    assert told == {"told": False}
    assert ports.recipients == []
    assert ports.reports == {}


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
            "no retraining yet: drift alone does not retrain",
        ),
    ],
)
def test_the_message_says_what_happens_next(ledger, pipeline, expected):
    told, _ = explain_with(ledger, **pipeline)

    assert f"Next: {expected}" in told["text"]


@pytest.mark.parametrize("report", [None, {**REPORT, "drifted": False}])
def test_an_alarm_without_drift_in_the_last_report_is_told_all_the_same(report):
    told, ports = explain_with(FakeLog(rows=900), report=report)

    assert told["subject"] == "Headrace bike: features have moved"
    assert len(ports.recipients) == 1


def test_a_page_that_was_set_by_hand_says_what_it_stands_for():
    told, ports = explain_with(FakeLog(rows=900), alarms=())

    assert told["subject"] == "Headrace bike: another world"
    assert len(ports.recipients) == 1


def test_a_long_list_of_features_fits_into_what_sns_allows():
    names = [f"température_{n}" for n in range(40)]
    report = {**REPORT, "drifted_features": names, "summary": [f"{name}: moved" for name in names]}

    explanation = explain("bike", [drifted(report, "nothing.", [])], "d")

    assert len(explanation.subject) == 100
    assert explanation.subject.isascii()
    assert "and 35 more in the report" in explanation.text
