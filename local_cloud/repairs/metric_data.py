"""Repair: ``GetMetricData`` evaluates expressions and returns the newest datapoints first."""

from __future__ import annotations

from typing import Any

from ministack.services import cloudwatch

from local_cloud.adapters.patching import replace
from local_cloud.repairs.metric_math import Grid, MetricMathError, Series, Value
from local_cloud.repairs.metric_queries import answer, period_of
from local_cloud.settings import Settings

_MAX_PERIODS = 100_800  # AWS returns at most as many datapoints


def install(settings: Settings) -> None:
    """Answer the JSON and CBOR protocols, which all current clients speak; leave the query protocol as it is."""

    def answering_expressions(original: Any) -> Any:
        def get_metric_data(params: Any, cbor_data: Any, is_cbor: bool, is_json: bool = False) -> Any:
            if not (is_cbor or is_json):
                return original(params, cbor_data, is_cbor, is_json)
            return _get_metric_data(cbor_data, is_cbor)

        return get_metric_data

    replace(cloudwatch, "_get_metric_data", "params cbor_data is_cbor is_json", answering_expressions)


def _get_metric_data(request: dict[str, Any], is_cbor: bool) -> Any:
    queries = request.get("MetricDataQueries") or []
    try:
        results = _results(request, queries)
    except MetricMathError as error:
        return cloudwatch._error("ValidationError", str(error), 400, use_json=not is_cbor, use_cbor=is_cbor)
    if is_cbor:
        return cloudwatch._cbor_ok(
            {"MetricDataResults": list(map(cloudwatch._cbor_metric_data_result, results))}
        )
    return cloudwatch._json_ok({"MetricDataResults": results})


def _results(request: dict[str, Any], queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    grid = _grid(request, period_of(queries))
    values = answer(queries, grid)
    newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    return [
        _result(query, label, series, newest_first)
        for query in queries
        if query.get("ReturnData", True)
        for label, series in _series(query, values[query["Id"]], grid)
    ]


def _grid(request: dict[str, Any], period_s: int) -> Grid:
    """Return the whole periods that touch the requested time; as on AWS they lie on multiples of the period."""
    first = cloudwatch._parse_ts(request.get("StartTime")) // period_s * period_s
    end = cloudwatch._parse_ts(request.get("EndTime"))
    count = max(1, min(_MAX_PERIODS, int(-(-(end - first) // period_s))))
    return Grid(tuple(first + i * period_s for i in range(count)), period_s)


def _series(query: dict[str, Any], value: Value, grid: Grid) -> list[tuple[str, Series]]:
    label = (
        query.get("Label")
        or (query.get("MetricStat") or {}).get("Metric", {}).get("MetricName")
        or query["Id"]
    )
    if isinstance(value, list):
        return [(f"{label} {i}", series) for i, series in enumerate(value)]
    return [(label, value if isinstance(value, dict) else dict.fromkeys(grid.starts, value))]


def _result(query: dict[str, Any], label: str, series: Series, newest_first: bool) -> dict[str, Any]:
    starts = sorted(series, reverse=newest_first)
    return {
        "Id": query["Id"],
        "Label": label,
        "Timestamps": [cloudwatch._ts_iso(start) for start in starts],
        "Values": [series[start] for start in starts],
        "StatusCode": "Complete",
    }
