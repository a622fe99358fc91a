"""Repair: alarms look at their dimensions, periods and missing data, and change with time, not only with data."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from local_cloud.adapters.patching import replace
from local_cloud.repairs.alarm_actions import remember, tell_release
from local_cloud.repairs.alarm_evaluation import EXTRA_PERIODS, Datapoint, Rule, judge
from local_cloud.repairs.alarm_messages import metric_queries, reason_data
from local_cloud.repairs.metric_math import Grid, MetricMathError, Value
from local_cloud.repairs.metric_queries import answer, period_of
from local_cloud.repairs.scaling_alarms import ScalingAlarms, policies
from local_cloud.settings import Settings

_LOG = logging.getLogger(__name__)
# AWS evaluates alarms with periods below a minute every 10 s and others every minute; waiting that long here
# would only cost the user time.
_TICK_S = 2.0
_TICKS_PER_STANDARD_EVALUATION = 5
_MINUTE_S = 60
# Requests and the ticker evaluate from different threads; a change of state must be told once.
_evaluating = threading.RLock()
_scaling: ScalingAlarms | None = None


def install(settings: Settings) -> None:
    """Evaluate alarms as AWS does, when data arrives and as time passes; accept metric math."""
    replace(cloudwatch, "_evaluate_alarm", "alarm", lambda original: evaluate)
    replace(cloudwatch, "_put_metric_alarm", "params cbor_data is_cbor is_json", _keeping_queries)
    replace(provisioners, "_cw_metric_alarm_record", "name props", _recording_queries)
    threading.Thread(target=_tick, name="alarms", daemon=True).start()


def evaluate(alarm: dict[str, Any]) -> None:
    """Bring one alarm's state up to date, and tell others if it changes."""
    with _evaluating:
        _evaluate(alarm, time.time())


def _evaluate(alarm: dict[str, Any], now: float) -> None:
    queries = metric_queries(alarm)
    period_s = int(alarm.get("Period") or period_of(queries))
    scaling = _scaling if policies(alarm) else None
    rule = Rule(
        comparison=alarm["ComparisonOperator"],
        threshold=float(alarm["Threshold"]),
        periods=int(alarm["EvaluationPeriods"]),
        breaches=int(alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]),
        missing=alarm.get("TreatMissingData") or "missing",
    )
    range_of = scaling.grid if scaling else _evaluation_range
    points = _datapoints(queries, range_of(period_s, rule.periods, now))
    if scaling:
        points = scaling.as_whole_periods(points, alarm.get("Statistic") or "", period_s)
    verdict = judge(points, rule, alarm["StateValue"])
    if verdict.state != alarm["StateValue"]:
        data = reason_data(alarm, rule, verdict, period_s, now)
        _change_state(alarm, verdict.state, verdict.reason, data, now)
    if scaling:
        scaling.call(alarm, verdict)


def let_scale(scaling: ScalingAlarms) -> None:
    """Let alarms call scaling policies."""
    global _scaling  # noqa: PLW0603 - the emulator's alarms are the module's, too
    _scaling = scaling


def _evaluation_range(period_s: int, periods: int, now: float) -> Grid:
    """Return the periods to look at, up to the present one.

    As on AWS the windows slide: they end on a whole minute (on ten seconds, for periods below a minute), not on a
    multiple of the period.
    """
    step = _MINUTE_S if period_s >= _MINUTE_S else min(period_s, 10)
    end = (now // step + 1) * step
    return Grid(tuple(end - i * period_s for i in range(periods + EXTRA_PERIODS, 0, -1)), period_s)


def _datapoints(queries: list[dict[str, Any]], grid: Grid) -> list[Datapoint | None]:
    value = answer(queries, grid)[_watched(queries)]
    return [Datapoint(t, found) if (found := _at(value, t)) is not None else None for t in grid.starts]


def _watched(queries: list[dict[str, Any]]) -> str:
    """Return the id of the query that the alarm watches: the one that returns data."""
    return str(next(query["Id"] for query in queries if query.get("ReturnData", True)))


def _at(value: Value, start: float) -> float | None:
    if isinstance(value, list):
        value = value[0] if value else {}
    return value.get(start) if isinstance(value, dict) else value


def _change_state(alarm: dict[str, Any], state: str, reason: str, data: dict[str, Any], now: float) -> None:
    old_state = alarm["StateValue"]
    remember(alarm)
    alarm.update(
        StateValue=state,
        StateReason=reason,
        StateReasonData=json.dumps(data, separators=(",", ":")),
        StateUpdatedTimestamp=now,
        StateTransitionedTimestamp=now,
    )
    cloudwatch._record_history(alarm["AlarmName"], old_state, state, reason, "MetricAlarm", data)
    cloudwatch._dispatch_alarm_actions(alarm, old_state, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


# --- time passes


def _tick() -> None:
    ticks = 0
    while True:
        time.sleep(_TICK_S)
        ticks += 1
        for (account, region, _), alarm in list(cloudwatch._alarms._data.items()):
            with request_scope(account, region):
                _evaluate_in_time(alarm, ticks)
        for (account, region, _), alarm in list(cloudwatch._composite_alarms._data.items()):
            with request_scope(account, region), _evaluating:
                if alarm.get("ActionsSuppressedBy"):
                    tell_release(alarm, time.time())


def _evaluate_in_time(alarm: dict[str, Any], ticks: int) -> None:
    often = int(alarm.get("Period") or _MINUTE_S) < _MINUTE_S or policies(alarm)
    if not often and ticks % _TICKS_PER_STANDARD_EVALUATION:
        return
    try:
        evaluate(alarm)
    except MetricMathError as error:
        _LOG.warning("the alarm %s cannot be evaluated: %s", alarm["AlarmName"], error)
    except Exception:
        _LOG.exception("the alarm %s could not be evaluated", alarm["AlarmName"])


# --- alarms on metric math


def _keeping_queries(original: Any) -> Any:
    def put_metric_alarm(params: Any, cbor_data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        queries = (cbor_data or {}).get("Metrics")
        with _evaluating:
            answered = original(params, {**(cbor_data or {}), "Metrics": None}, is_cbor, is_json)
            alarm = cloudwatch._alarms.get((cbor_data or {}).get("AlarmName", ""))
            if queries and answered[0] == 200 and alarm:  # noqa: PLR2004
                _watch_queries(alarm, queries)
                evaluate(alarm)
        return answered

    return put_metric_alarm


def _recording_queries(original: Any) -> Any:
    def record(name: str, props: dict[str, Any]) -> dict[str, Any]:
        queries = props.get("Metrics")
        if not queries:
            return dict(original(name, props))
        single = {**props, "Metrics": None, "MetricName": "-", "Namespace": "-"}
        alarm = dict(original(name, single))
        _watch_queries(alarm, [_typed(query) for query in queries])
        return alarm

    return record


def _watch_queries(alarm: dict[str, Any], queries: list[dict[str, Any]]) -> None:
    """Make the alarm one on metric math: it has queries, and none of a single metric's fields."""
    for name in ("MetricName", "Namespace", "Dimensions", "Period", "Statistic", "ExtendedStatistic", "Unit"):
        alarm.pop(name, None)
    alarm["Metrics"] = queries


def _typed(query: dict[str, Any]) -> dict[str, Any]:
    """Give a template's query, whose values may all be text, the types of the API."""
    typed = {**query, "ReturnData": str(query.get("ReturnData", True)).lower() != "false"}
    if stat := query.get("MetricStat"):
        typed["MetricStat"] = {**stat, "Period": int(stat["Period"])}
    if query.get("Period"):
        typed["Period"] = int(query["Period"])
    return typed
