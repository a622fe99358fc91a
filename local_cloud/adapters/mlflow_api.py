"""SageMaker's MLflow tracking servers: requests are authorised as there, and answered by MLflow's own server beside this one.

References
----------
.. [1] Service authorization reference, "Actions, resources, and condition keys for Amazon SageMaker with MLflow".
.. [2] aws/sagemaker-mlflow, ``mlflow_sagemaker_request_header_provider.py``: the header that names the server.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ministack import app
from ministack.core import iam_actions, router

from local_cloud.adapters.json_answers import Answer, json_answer
from local_cloud.adapters.patching import replace
from local_cloud.mlflow_server import forwarded
from local_cloud.settings import Settings

_NAME = "sagemaker-mlflow"
_SERVER = "x-mlflow-sm-tracking-server-arn"
_API = "/api/2.0/mlflow/"
_REQUEST = "service method path headers body query_params"
_ACTIONS = {
    "experiments/create": "CreateExperiment",
    "experiments/get-by-name": "GetExperimentByName",
    "model-versions/create": "CreateModelVersion",
    "registered-models/create": "CreateRegisteredModel",
    "registered-models/get": "GetRegisteredModel",
    "runs/create": "CreateRun",
    "runs/log-batch": "LogBatch",
    "runs/search": "SearchRuns",
    "runs/update": "UpdateRun",
}
"""What requests are authorised as; others than these are refused (501)."""


def install(settings: Settings) -> None:
    """Add the service to the emulator's tables."""
    iam_actions.SERVICE_TO_IAM_NAMESPACE[_NAME] = _NAME
    replace(iam_actions, "extract_iam_action", _REQUEST, _with_action)
    replace(iam_actions, "extract_resource_arn", f"{_REQUEST} region account_id", _with_server)
    router.SERVICE_PATTERNS = {_NAME: {"credential_scope": _NAME}, **router.SERVICE_PATTERNS}
    port = settings.mlflow_port

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Answer:
        if path.removeprefix(_API) not in _ACTIONS:
            return _refused(501, "NOT_IMPLEMENTED", f"{path} is not available in the local cloud")
        if port is None:
            return _refused(
                404, "ENDPOINT_NOT_FOUND", "there is no tracking server: headrace local start --mlflow"
            )
        status, answer = await asyncio.to_thread(forwarded, port, method, path, body, query)
        return status, {"Content-Type": "application/json"}, answer

    app.SERVICE_HANDLERS[_NAME] = handle


def _with_action(original: Any) -> Any:
    def action(service: str, method: str, path: str, *request: Any) -> str | None:
        if service != _NAME:
            found: str | None = original(service, method, path, *request)
            return found
        return f"{_NAME}:{_ACTIONS.get(path.removeprefix(_API), 'Unknown')}"

    return action


def _with_server(original: Any) -> Any:
    def resource_arn(service: str, method: str, path: str, headers: dict[str, str], *request: Any) -> str:
        if service != _NAME:
            found: str = original(service, method, path, headers, *request)
            return found
        return headers.get(_SERVER, "*")

    return resource_arn


def _refused(status: int, code: str, message: str) -> Answer:
    return json_answer(status, {"error_code": code, "message": message})
