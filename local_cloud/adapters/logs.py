"""Writes to CloudWatch Logs as services do, and turns metrics that are embedded in log lines into CloudWatch metrics."""

from __future__ import annotations

import time
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs

from local_cloud.adapters.metrics import put_metrics
from local_cloud.adapters.patching import replace
from local_cloud.lambda_runtime.embedded_metrics import read_metrics
from local_cloud.settings import Settings

_BATCH = 1000


def install(settings: Settings) -> None:
    """Read every log event on its way to the subscription filters, whoever wrote it."""

    def reading_metrics(original: Any) -> Any:
        def fan_out(group_name: str, stream_name: str, events: list[dict[str, Any]]) -> None:
            original(group_name, stream_name, events)
            for event in events or ():
                for put in read_metrics(event.get("message") or ""):
                    put_metrics(get_account_id(), get_region(), put["Namespace"], put["MetricData"])

        return fan_out

    replace(
        cloudwatch_logs, "_fanout_to_subscription_filters", "group_name stream_name events", reading_metrics
    )


def write_log(group: str, stream: str, lines: list[str]) -> None:
    """Append lines to a log stream, which is made if need be, so that subscription filters see them."""
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": line} for line in lines if line]
    if group not in cloudwatch_logs._log_groups:
        cloudwatch_logs._create_log_group({"logGroupName": group})
    names = {"logGroupName": group, "logStreamName": stream}
    if stream not in cloudwatch_logs._log_groups[group]["streams"]:
        cloudwatch_logs._create_log_stream(names)
    for start in range(0, len(events), _BATCH):
        cloudwatch_logs._put_log_events({**names, "logEvents": events[start : start + _BATCH]})
