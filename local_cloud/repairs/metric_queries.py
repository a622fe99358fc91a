"""Reads the emulator's metrics as time series: single metrics, metric math and Metrics Insights queries."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ministack.services import cloudwatch

from local_cloud.repairs.metric_math import Grid, MetricMathError, Series, Value, evaluate, names_in

Query = Mapping[str, Any]
_INSIGHTS = re.compile(
    r"""SELECT\s+(?P<stat>AVG|COUNT|MAX|MIN|SUM)\(\s*(?P<metric>"[^"]+"|[\w.]+)\s*\)\s+
        FROM\s+(?:SCHEMA\(\s*(?P<schema>"[^"]+"|[^,\s)]+)\s*(?P<dimensions>(?:,\s*(?:"[^"]+"|[\w.-]+)\s*)*)\)
                 |(?P<namespace>"[^"]+"|\S+))
        (?:\s+WHERE\s+(?P<where>.+?))?\s*$""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_CONDITION = re.compile(r"""("[^"]+"|[\w.-]+)\s*(!?=)\s*'([^']*)'""")
_INSIGHTS_STATISTICS = {
    "AVG": "Average",
    "COUNT": "SampleCount",
    "MAX": "Maximum",
    "MIN": "Minimum",
    "SUM": "Sum",
}


def answer(queries: Iterable[Query], grid: Grid) -> dict[str, Value]:
    """Evaluate queries that may refer to each other.

    Parameters
    ----------
    queries : iterable of mapping
        In the form of ``MetricDataQuery``: an ``Id`` and a ``MetricStat`` or an ``Expression``.
    grid : Grid
        The periods; a metric's own period is not looked at.

    Returns
    -------
    dict of str to Value
        By id.

    Raises
    ------
    MetricMathError
        If an expression is wrong, names nothing that exists, or refers to itself.
    """
    waiting = {query["Id"]: query for query in queries}
    metrics = frozenset(name for name, query in waiting.items() if query.get("MetricStat"))
    known: dict[str, Value] = {}
    while waiting:
        ready = [name for name, query in waiting.items() if not _needed(query) & set(waiting)]
        if not ready:
            raise MetricMathError(f"the expressions {', '.join(sorted(waiting))} refer to each other")
        for name in ready:
            known[name] = _value(waiting.pop(name), known, grid, metrics)
    return known


def period_of(queries: Iterable[Query], default: int = 60) -> int:
    """Return the period of the first query that has one, in seconds."""
    for query in queries:
        if period := query.get("Period") or (query.get("MetricStat") or {}).get("Period"):
            return int(period)
    return default


def _needed(query: Query) -> set[str]:
    expression = query.get("Expression")
    return set() if not expression or _INSIGHTS.match(expression.strip()) else names_in(expression)


def _value(query: Query, known: Mapping[str, Value], grid: Grid, metrics: frozenset[str]) -> Value:
    if stat := query.get("MetricStat"):
        return metric_series(stat["Metric"], stat["Stat"], stat.get("Unit"), grid)
    expression = query["Expression"].strip()
    if insights := _INSIGHTS.match(expression):
        return _insights(insights, grid)
    return evaluate(expression, known, grid, metrics)


def metric_series(metric: Mapping[str, Any], stat: str, unit: str | None, grid: Grid) -> Series:
    """Return one metric's statistic per period; the dimensions must be exactly those that were put."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
    key = (metric.get("Namespace"), metric.get("MetricName"), dimensions)
    points = [point for point in cloudwatch._metrics.get(key, ()) if unit in (None, point.get("Unit"))]
    return _statistics(points, stat, grid)


def _statistics(points: Iterable[dict[str, Any]], stat: str, grid: Grid) -> Series:
    first, end = grid.starts[0], grid.starts[-1] + grid.period_s
    periods: dict[float, list[dict[str, Any]]] = defaultdict(list)
    for point in points:
        if first <= point["Timestamp"] < end:
            periods[first + (point["Timestamp"] - first) // grid.period_s * grid.period_s].append(point)
    values = {
        start: cloudwatch._stat_value(cloudwatch._calc_stats(inside), stat, inside)
        for start, inside in sorted(periods.items())
    }
    return {start: float(value) for start, value in values.items() if value is not None}


def _insights(query: re.Match[str], grid: Grid) -> Series:
    """Aggregate over every metric that a Metrics Insights query selects (no GROUP BY, no ORDER BY)."""
    namespace, metric = _plain(query["schema"] or query["namespace"]), _plain(query["metric"])
    dimensions = {_plain(name) for name in (query["dimensions"] or "").split(",") if name.strip()}
    conditions = [(_plain(k), op == "=", v) for k, op, v in _CONDITION.findall(query["where"] or "")]
    points = [
        point
        for (found_namespace, found_metric, _), stored in list(cloudwatch._metrics.items())
        if (found_namespace, found_metric) == (namespace, metric)
        for point in stored
        if (not query["schema"] or set(point["Dimensions"]) == dimensions)
        and all((point["Dimensions"].get(k) == v) == equal for k, equal, v in conditions)
    ]
    return _statistics(points, _INSIGHTS_STATISTICS[query["stat"].upper()], grid)


def _plain(name: str) -> str:
    return name.strip().strip('"')
