"""Counts the requests of REST APIs, their errors and their latency, as API Gateway does.

References
----------
.. [1] API Gateway developer guide, "Amazon API Gateway dimensions and metrics".
"""

from __future__ import annotations

import time
from typing import Any

from ministack.services import apigateway_v1

from local_cloud.adapters.metrics import put_metrics
from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_CLIENT_ERROR, _SERVER_ERROR = range(400, 500), range(500, 600)


def install(settings: Settings) -> None:
    """Count whatever an API answers, whether it asked anybody or not."""
    parameters = "api_id stage_name method path headers body query_params owner_account_id owner_region"
    replace(apigateway_v1, "_handle_execute_in_scope", parameters, _counted)


def _counted(original: Any) -> Any:
    async def handle(api_id: str, stage_name: str, *args: Any) -> Any:
        started = time.monotonic()
        answer = await original(api_id, stage_name, *args)
        api = apigateway_v1._rest_apis.get(api_id)
        if api:
            *_, account, region = args
            latency_ms = 1000 * (time.monotonic() - started)
            put_metrics(
                account,
                region,
                "AWS/ApiGateway",
                request_data(api["name"], stage_name, answer[0], latency_ms),
            )
        return answer

    return handle


def request_data(api: str, stage: str, status: int, latency_ms: float) -> list[dict[str, Any]]:
    """Return the metrics of one request: of the API, and of its stage.

    Examples
    --------
    >>> data = request_data("bike", "live", 502, 12.0)
    >>> [(d["MetricName"], d["Value"]) for d in data if len(d["Dimensions"]) == 1]
    [('Count', 1.0), ('4XXError', 0.0), ('5XXError', 1.0), ('Latency', 12.0)]
    """
    of_api = [{"Name": "ApiName", "Value": api}]
    values = (
        ("Count", 1.0, "Count"),
        ("4XXError", float(status in _CLIENT_ERROR), "Count"),
        ("5XXError", float(status in _SERVER_ERROR), "Count"),
        ("Latency", latency_ms, "Milliseconds"),
    )
    return [
        {"MetricName": name, "Value": value, "Unit": unit, "Dimensions": dimensions}
        for dimensions in (of_api, [*of_api, {"Name": "Stage", "Value": stage}])
        for name, value, unit in values
    ]
