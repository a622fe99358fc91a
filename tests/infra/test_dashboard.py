"""The dashboard's body, against what CloudWatch takes, and against what the alarms tell people to look at."""

import json
import re

import pytest

from tests.infra.test_alarms import EVERY_SWITCH, alarms_of
from tests.infra.test_monitoring_stack import flat, synthesised

ASYNCHRONOUS = json.dumps({"endpoint": {"kind": "asynchronous"}})
TYPES = {"metric", "text", "alarm"}


@pytest.fixture(scope="module", params=["{}", EVERY_SWITCH], ids=["default", "every switch"])
def options(request):
    return request.param


@pytest.fixture(scope="module")
def widgets(options):
    (dashboard,) = synthesised(options).find_resources("AWS::CloudWatch::Dashboard").values()
    body = dashboard["Properties"]["DashboardBody"]["Fn::Join"][1]
    return json.loads("".join(part if isinstance(part, str) else "token" for part in body))["widgets"]


def test_every_widget_lies_within_the_grid_and_on_no_other(widgets):
    taken = set()
    for widget in widgets:
        columns = range(widget["x"], widget["x"] + widget["width"])
        rows = range(widget["y"], widget["y"] + widget["height"])
        cells = {(column, row) for column in columns for row in rows}
        assert columns.stop <= 24
        assert not cells & taken
        taken |= cells


def test_every_widget_has_what_its_kind_needs(widgets):
    assert {widget["type"] for widget in widgets} == TYPES
    for widget in widgets:
        properties = widget["properties"]
        if widget["type"] == "text":
            assert properties["markdown"]
        elif widget["type"] == "alarm":
            assert 0 < len(properties["alarms"]) <= 100
        else:
            assert properties["view"] == "timeSeries"
            assert properties["region"]
            assert 0 < len(properties["metrics"]) <= 500
            assert properties["title"]


def test_every_alarm_is_on_it(widgets, options):
    (alarms,) = (widget for widget in widgets if widget["type"] == "alarm")

    assert len(alarms["properties"]["alarms"]) == len(alarms_of(options))


def test_every_row_that_an_alarm_sends_people_to_is_there(widgets, options):
    headings = {
        widget["properties"]["markdown"].splitlines()[0].removeprefix("### ")
        for widget in widgets
        if widget["type"] == "text"
    }

    said = " ".join(alarm["AlarmDescription"] for alarm in alarms_of(options).values())
    assert {"Endpoint", "Drift", "Quality", "Data", "Training and cost"} <= headings
    assert set(re.findall("the row `([^`]+)`", said)) <= headings


def test_everything_that_an_alarm_watches_of_ours_is_drawn(widgets, options):
    """But for what measures the endpoint for alarms only: the endpoint's own metrics are drawn, by variant."""
    drawn = flat([widget["properties"].get("metrics") for widget in widgets])

    watched = {
        query["MetricStat"]["Metric"]["MetricName"]
        for alarm in alarms_of(options).values()
        for query in alarm.get("Metrics", [])
        if "MetricStat" in query
    } | {alarm["MetricName"] for alarm in alarms_of(options).values() if alarm.get("Namespace") == "Headrace"}
    ours = {name for name in watched if not name.startswith("Endpoint") and name != "ContractBreaches"}
    assert {name for name in ours if name not in drawn} == set()
    for name in ("Invocations", "Invocation5XXErrors", "ModelLatency", "p99", "FeatureDrift", "TrainingCost"):
        assert name in drawn


def test_searches_name_a_schema_and_label_their_lines_by_it(widgets):
    searches = [
        metric[0]
        for widget in widgets
        for metric in widget["properties"].get("metrics", [])
        if isinstance(metric[0], dict) and "SEARCH" in metric[0]["expression"]
    ]

    assert searches
    for search in searches:
        (dimensions,) = re.findall(r"SEARCH\('\{([^}]+)\} MetricName=", search["expression"])
        (label,) = re.findall(r"\$\{PROP\('Dim\.(\w+)'\)\}", search["label"])
        assert dimensions.split(",")[-1] == label


def test_an_asynchronous_endpoint_is_drawn_by_the_metrics_that_it_has():
    (dashboard,) = synthesised(ASYNCHRONOUS).find_resources("AWS::CloudWatch::Dashboard").values()

    drawn = flat(dashboard["Properties"]["DashboardBody"])
    for name in ("InvocationsProcessed", "TimeInBacklog", "ApproximateBacklogSize", "ModelLatency"):
        assert name in drawn
    for name in ("OverheadLatency", "ServerlessConcurrentExecutionsUtilization"):
        assert name not in drawn
