"""Counts executions of state machines as CloudWatch does, so that alarms on those that failed go off.

References
----------
.. [1] Step Functions developer guide, "Monitoring Step Functions metrics using Amazon CloudWatch": namespace
   ``AWS/States``, dimension ``StateMachineArn``.
"""

from __future__ import annotations

from typing import Any

from ministack.services import cloudwatch, stepfunctions

from local_cloud.adapters.patching import replace, require
from local_cloud.settings import Settings

_METRICS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


def install(settings: Settings) -> None:
    """Count where every change of an execution's status passes."""
    require(cloudwatch, "record_metric", "namespace metric_name value unit dimensions")

    def counting(original: Any) -> Any:
        def emit(execution: dict[str, Any]) -> None:
            original(execution)
            machine = {"StateMachineArn": execution["stateMachineArn"]}
            cloudwatch.record_metric("AWS/States", _METRICS[execution["status"]], 1, "Count", machine)

        return emit

    replace(stepfunctions, "_emit_execution_status_event", "execution", counting)
