"""Puts metrics into the emulator's CloudWatch, as a service of AWS does."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch


def put_metrics(account: str, region: str, namespace: str, data: list[dict[str, Any]]) -> None:
    """Store `data`, in the form of ``PutMetricData``, and let the alarms look at it."""
    with request_scope(account, region):
        cloudwatch._put_metric_data({}, {"Namespace": namespace, "MetricData": data}, False, is_json=True)
