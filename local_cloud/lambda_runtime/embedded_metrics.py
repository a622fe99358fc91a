"""Reads CloudWatch's embedded metric format out of log lines.

References
----------
.. [1] CloudWatch user guide, "Specification: Embedded metric format".
"""

from __future__ import annotations

import json
from typing import Any


def read_metrics(line: str) -> list[dict[str, Any]]:
    """Return what a log line embeds, as arguments of ``PutMetricData``; an ordinary line holds none.

    Examples
    --------
    >>> line = '{"_aws":{"Timestamp":1700000000000,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[["P"]],'
    >>> line += '"Metrics":[{"Name":"Rows","Unit":"Count"}]}]},"P":"bike","Rows":[3]}'
    >>> [put] = read_metrics(line)
    >>> put["Namespace"], put["MetricData"][0]["MetricName"], put["MetricData"][0]["Values"]
    ('N', 'Rows', [3.0])
    >>> read_metrics("just words")
    []
    """
    if '"CloudWatchMetrics"' not in line:
        return []
    try:
        document = json.loads(line)
        directives = document["_aws"]["CloudWatchMetrics"]
        timestamp = document["_aws"]["Timestamp"] / 1000
        return [
            {"Namespace": directive["Namespace"], "MetricData": _data(directive, document, timestamp)}
            for directive in directives
        ]
    except (ValueError, KeyError, TypeError):
        return []


def _data(directive: dict[str, Any], document: dict[str, Any], timestamp: float) -> list[dict[str, Any]]:
    return [
        {
            "MetricName": metric["Name"],
            "Unit": metric.get("Unit", "None"),
            "Timestamp": timestamp,
            "Values": [float(value) for value in _as_list(document[metric["Name"]])],
            "Dimensions": [{"Name": name, "Value": str(document[name])} for name in dimensions],
        }
        for dimensions in directive.get("Dimensions") or [[]]
        for metric in directive["Metrics"]
        if metric["Name"] in document
    ]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
