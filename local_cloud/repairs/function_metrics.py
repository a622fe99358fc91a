"""Counts every call of a function, whoever made it; the emulator counts those of ``Invoke`` only."""

from __future__ import annotations

import time
from typing import Any

from ministack.services import cloudwatch, lambda_svc

from local_cloud.adapters.patching import replace, require
from local_cloud.settings import Settings


def install(settings: Settings) -> None:
    """Count where all calls pass, and nowhere else."""
    require(cloudwatch, "record_metric", "namespace metric_name value unit dimensions")
    emit = lambda_svc._emit_lambda_metrics

    def counting(original: Any) -> Any:
        def dispatch(
            func: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float
        ) -> Any:
            result = original(func, config, event, request_id, started)
            emit(config["FunctionName"], (time.time() - started) * 1000, bool(result.get("error")), False)
            return result

        return dispatch

    def only_refusals(original: Any) -> Any:
        def refuse(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
            if throttle:  # which is not an invocation
                dimensions = {"FunctionName": function_name}
                cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", dimensions)

        return refuse

    replace(lambda_svc, "_execute_function_dispatch", "func config event request_id started", counting)
    replace(lambda_svc, "_emit_lambda_metrics", "function_name duration_ms error throttle", only_refusals)
