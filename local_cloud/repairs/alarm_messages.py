"""What CloudWatch tells others when an alarm changes its state, in AWS's formats."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local_cloud.repairs.alarm_evaluation import Rule, Verdict

Alarm = Mapping[str, Any]
State = dict[str, Any]
SUPPRESSOR = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
"""What a composite alarm says of its suppressor."""
_REGION_NAMES = {"us-east-1": "US East (N. Virginia)"}


def timestamp(seconds: float) -> str:
    """Write a time as CloudWatch does in its messages.

    >>> timestamp(1570035880.985)
    '2019-10-02T17:04:40.985+0000'
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def state_of(alarm: Alarm) -> State:
    """Describe an alarm's present state, as events carry it."""
    state = {
        "value": alarm["StateValue"],
        "reason": alarm.get("StateReason", ""),
        "reasonData": alarm.get("StateReasonData"),
        "timestamp": timestamp(alarm["StateUpdatedTimestamp"]),
        "actionsSuppressedBy": alarm.get("ActionsSuppressedBy"),
        "actionsSuppressedReason": alarm.get("ActionsSuppressedReason"),
    }
    return {name: value for name, value in state.items() if value is not None}


def reason_data(alarm: Alarm, rule: Rule, verdict: Verdict, period_s: int, now: float) -> dict[str, Any]:
    """Describe the datapoints that decided an alarm's state (``StateReasonData``)."""
    start = {"startDate": timestamp(verdict.points[-1].start)} if verdict.points else {}
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic")
    return {
        "version": "1.0",
        "queryDate": timestamp(now),
        **start,
        **({"statistic": statistic} if statistic and not alarm.get("Metrics") else {}),
        "period": period_s,
        "recentDatapoints": [point.value for point in reversed(verdict.points)],
        "threshold": rule.threshold,
        "evaluatedDatapoints": [
            {"timestamp": timestamp(point.start), "value": point.value} for point in verdict.points
        ],
    }


def event_detail(alarm: Alarm, previous: State) -> dict[str, Any]:
    """Build the detail of the event ``CloudWatch Alarm State Change``.

    References
    ----------
    .. [1] https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    """
    return {
        "alarmName": alarm["AlarmName"],
        "state": state_of(alarm),
        "previousState": previous,
        "configuration": _configuration(alarm),
    }


def _configuration(alarm: Alarm) -> dict[str, Any]:
    description = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if "AlarmRule" in alarm:
        suppressor = {f"{name[:1].lower()}{name[1:]}": alarm[name] for name in SUPPRESSOR if name in alarm}
        return {**description, "alarmRule": alarm["AlarmRule"], **suppressor}
    return {**description, "metrics": [_metric(query) for query in metric_queries(alarm)]}


def metric_queries(alarm: Alarm) -> list[dict[str, Any]]:
    """Return what a metric alarm watches as queries; a single metric becomes one query."""
    if alarm.get("Metrics"):
        return list(alarm["Metrics"])
    metric = {name: alarm.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
    stat = {
        "Metric": metric,
        "Period": int(alarm["Period"]),
        "Stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
    }
    if alarm.get("Unit"):
        stat["Unit"] = alarm["Unit"]
    return [{"Id": "m1", "MetricStat": stat, "ReturnData": True}]


def _metric(query: Mapping[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if stat := query.get("MetricStat"):
        metric = stat["Metric"]
        dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions") or []}
        described["metricStat"] = {
            "metric": {
                "namespace": metric["Namespace"],
                "name": metric["MetricName"],
                "dimensions": dimensions,
            },
            "period": int(stat["Period"]),
            "stat": stat["Stat"],
        }
    else:
        described["expression"] = query["Expression"]
    if query.get("Label"):
        described["label"] = query["Label"]
    return described


def notification(alarm: Alarm, previous: State, account: str, region: str) -> tuple[str, dict[str, Any]]:
    """Build the subject and the body of the message to an SNS topic."""
    place = _REGION_NAMES.get(region, region)
    body = {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": timestamp(alarm["AlarmConfigurationUpdatedTimestamp"]),
        "NewStateValue": alarm["StateValue"],
        "NewStateReason": alarm.get("StateReason", ""),
        "StateChangeTime": timestamp(alarm["StateUpdatedTimestamp"]),
        "Region": place,
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": previous["value"],
        "OKActions": alarm.get("OKActions") or [],
        "AlarmActions": alarm.get("AlarmActions") or [],
        "InsufficientDataActions": alarm.get("InsufficientDataActions") or [],
        **({"AlarmRule": alarm["AlarmRule"]} if "AlarmRule" in alarm else {"Trigger": _trigger(alarm)}),
    }
    return f'{alarm["StateValue"]}: "{alarm["AlarmName"]}" in {place}'[:100], body


def _trigger(alarm: Alarm) -> dict[str, Any]:
    common = {
        "Period": alarm.get("Period"),
        "EvaluationPeriods": alarm["EvaluationPeriods"],
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm"),
        "ComparisonOperator": alarm["ComparisonOperator"],
        "Threshold": alarm["Threshold"],
        "TreatMissingData": alarm.get("TreatMissingData"),
        "EvaluateLowSampleCountPercentile": alarm.get("EvaluateLowSampleCountPercentile") or "",
    }
    if alarm.get("Metrics"):
        return {**common, "Metrics": [dict(query) for query in alarm["Metrics"]]}
    extended = alarm.get("ExtendedStatistic")
    return {
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        "StatisticType": "ExtendedStatistic" if extended else "Statistic",
        **({"ExtendedStatistic": extended} if extended else {"Statistic": str(alarm["Statistic"]).upper()}),
        "Unit": alarm.get("Unit"),
        "Dimensions": [{"value": d["Value"], "name": d["Name"]} for d in alarm.get("Dimensions") or []],
        **common,
    }
