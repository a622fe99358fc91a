"""Routes ``application-autoscaling`` to its engine, which scales the endpoints of this server."""

from __future__ import annotations

import json
import logging
import threading
import time
from queue import SimpleQueue
from typing import Any

from ministack import app
from ministack.core import router
from ministack.core.persistence import load_state
from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from local_cloud.adapters.autoscaling_permissions import authorise, make_role, missing
from local_cloud.adapters.json_answers import Answer, json_answer
from local_cloud.adapters.metrics import put_metrics
from local_cloud.adapters.sagemaker_engine import sagemaker_engine
from local_cloud.adapters.snapshots import register
from local_cloud.autoscaling.service import AutoScaling
from local_cloud.autoscaling.tracking_alarms import PREDEFINED_METRICS
from local_cloud.clock import Clock
from local_cloud.repairs.alarms import let_scale
from local_cloud.repairs.scaling_alarms import Call, ScalingAlarms
from local_cloud.sagemaker.engine import Engine
from local_cloud.sagemaker.errors import ApiError
from local_cloud.settings import ACCOUNT, REGION, Settings

_NAME = "application-autoscaling"
_OK = 200
_MINUTE_S = 60
logger = logging.getLogger(__name__)


def install(settings: Settings) -> None:
    """Add the service to the emulator's tables, and let alarms and endpoints know of it."""
    engine = sagemaker_engine(settings)
    scaling = AutoScaling(_MiniStackCloud(engine), Clock(settings.hurry).now)
    if state := load_state(_NAME):
        scaling.load(state)
    register(_NAME, scaling.dump)
    engine.endpoints.scalable_targets = scaling
    calls: SimpleQueue[Call] = SimpleQueue()
    let_scale(ScalingAlarms(settings.hurry, calls.put))
    threading.Thread(target=_answer_alarms, args=(scaling, calls), name="scaling", daemon=True).start()
    _route(scaling, engine)
    authorise()
    idle_s = max(1.0, _MINUTE_S / settings.hurry)
    threading.Thread(target=_tell_idle, args=(scaling, idle_s), name="idle-variants", daemon=True).start()


def _answer_alarms(scaling: AutoScaling, calls: SimpleQueue[Call]) -> None:
    """Do what policies say, one after the other; alarms, which call them, do not wait for it."""
    while True:
        call = calls.get()
        try:
            scaling.scaler.invoke(call.policy_arn, call.alarm, call.metric, call.threshold)
        except Exception:
            logger.exception("the scaling policy %s could not be followed", call.policy_arn)


class _MiniStackCloud:
    """The emulator as the engine's surroundings."""

    account, region = ACCOUNT, REGION

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def instances(self, endpoint: str, variant: str) -> int | None:
        """Return how many instances a variant is to have; None if there is no such variant on instances."""
        try:
            described = self._engine.call("DescribeEndpoint", {"EndpointName": endpoint})
        except ApiError:
            return None
        shown = {item["VariantName"]: item for item in described.get("ProductionVariants", [])}
        if variant not in shown or "CurrentServerlessConfig" in shown[variant]:
            return None
        return int(shown[variant]["DesiredInstanceCount"])

    def resize(self, endpoint: str, variant: str, count: int) -> None:
        """Begin to change that."""
        self._engine.endpoints.resize(endpoint, variant, count)

    def put_alarm(self, request: dict[str, Any]) -> None:
        """Make an alarm."""
        with request_scope(ACCOUNT, REGION):
            status, _, body = cloudwatch._put_metric_alarm({}, request, False, is_json=True)
        if status != _OK:
            raise RuntimeError(body.decode())

    def delete_alarms(self, names: list[str]) -> None:
        """Delete alarms."""
        with request_scope(ACCOUNT, REGION):
            cloudwatch._delete_alarms({}, {"AlarmNames": names}, False, is_json=True)


def _tell_idle(scaling: AutoScaling, every_s: float) -> None:
    """Put a zero for every variant that nobody asks anything, as SageMaker does: else nothing would be taken away.

    References
    ----------
    .. [1] SageMaker developer guide, "Auto scaling policy overview": without traffic it emits metrics with the value zero.
    """
    while True:
        time.sleep(every_s)
        now = time.time()
        data = [
            {"MetricName": name, "Value": 0.0, "Unit": "None", "Timestamp": now, "Dimensions": dimensions}
            for dimensions in scaling.dimensions()
            for name, _, _ in PREDEFINED_METRICS.values()
            if _is_silent(name, dimensions, now - every_s)
        ]
        if data:
            put_metrics(ACCOUNT, REGION, "AWS/SageMaker", data)


def _is_silent(name: str, dimensions: list[dict[str, str]], since: float) -> bool:
    with request_scope(ACCOUNT, REGION):
        key = ("AWS/SageMaker", name, cloudwatch._dims_key(cloudwatch._dims_from_list(dimensions)))
        points = cloudwatch._metrics.get(key) or []
    return not points or points[-1]["Timestamp"] < since


# --- requests


def _route(scaling: AutoScaling, engine: Engine) -> None:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        if operation == "RegisterScalableTarget" and (
            refused := _refusal(engine, headers, body, query) or make_role(headers, query)
        ):
            return refused
        return _answer(scaling, operation, body)

    app.SERVICE_HANDLERS[_NAME] = handle
    pattern = {
        "target_prefixes": ["AnyScaleFrontendService."],
        "host_patterns": [r"application-autoscaling\."],
        "credential_scope": _NAME,
    }
    router.SERVICE_PATTERNS = {_NAME: pattern, **router.SERVICE_PATTERNS}


def _refusal(engine: Engine, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
    """Return the refusal of a caller who lacks a permission beside that of the request, or None."""
    target = str(json.loads(body or b"{}").get("ResourceId", ""))
    try:
        endpoint = engine.call("DescribeEndpoint", {"EndpointName": target.split("/")[1]})
    except (ApiError, IndexError):
        return None  # the operation itself says what is wrong
    why = missing(target, endpoint["EndpointConfigName"], headers, query)
    return why and json_answer(
        400, {"__type": "ValidationException", "Message": f"The caller {why}"}, "ValidationException"
    )


def _answer(scaling: AutoScaling, operation: str, body: bytes) -> Answer:
    try:
        return json_answer(_OK, scaling.call(operation, json.loads(body or b"{}")))
    except ApiError as error:
        return json_answer(error.status, {"__type": error.code, "Message": str(error)}, error.code)
    except Exception as error:
        logger.exception("%s failed", operation)
        return json_answer(
            500, {"__type": "InternalServiceException", "Message": str(error)}, "InternalServiceException"
        )
