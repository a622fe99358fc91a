"""Routes ``sagemaker`` and ``sagemaker-runtime`` to the engine."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from ministack import app
from ministack.core import router

from local_cloud.adapters import passed_roles, second_resources
from local_cloud.adapters.callers import calling_arn
from local_cloud.adapters.json_answers import Answer, json_answer
from local_cloud.adapters.patching import replace
from local_cloud.adapters.sagemaker_engine import sagemaker_engine
from local_cloud.sagemaker.caller import caller
from local_cloud.sagemaker.engine import Engine
from local_cloud.sagemaker.errors import ApiError
from local_cloud.settings import Settings

_THREADS = 64
logger = logging.getLogger(__name__)


def install(settings: Settings) -> None:
    """Add the service to the emulator's tables."""
    engine = sagemaker_engine(settings)
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="sagemaker")

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Answer:
        for check in (passed_roles.refusal, second_resources.refusal):
            if refused := check(headers, body, query):
                denial: Answer = refused
                return denial
        known = copy_context()
        known.run(caller.set, calling_arn(headers, query))
        return await asyncio.get_running_loop().run_in_executor(
            pool, known.run, answer, engine, path, headers, body
        )

    app.SERVICE_HANDLERS["sagemaker"] = handle
    replace(app, "fix_success_content_type", "service status headers", _left_to_the_container)
    pattern = {
        "target_prefixes": ["SageMaker."],
        "host_patterns": [r"sagemaker\."],
        "credential_scope": "sagemaker",
    }
    router.SERVICE_PATTERNS = {"sagemaker": pattern, **router.SERVICE_PATTERNS}


def _left_to_the_container(original: Callable[..., None]) -> Callable[..., None]:
    """Leave the content type of an answer as it is: that of InvokeEndpoint is what the container says."""

    def fix(service: str, status: int, headers: dict[str, str]) -> None:
        if service != "sagemaker":
            original(service, status, headers)

    return fix


def answer(engine: Engine, path: str, headers: dict[str, str], body: bytes) -> Answer:
    """Answer one request of the control plane or of the runtime."""
    try:
        if path.startswith("/endpoints/"):
            return _invoke(engine, path, headers, body)
        operation = headers["x-amz-target"].rsplit(".", 1)[-1]
        return json_answer(200, engine.call(operation, json.loads(body or b"{}")))
    except ApiError as error:
        return json_answer(
            error.status, {"__type": error.code, "message": str(error), **error.extra}, error.code
        )
    except Exception as error:
        logger.exception("sagemaker failed")
        return json_answer(500, {"__type": "InternalFailure", "message": str(error)}, "InternalFailure")


def _invoke(engine: Engine, path: str, headers: dict[str, str], body: bytes) -> Answer:
    _, _, endpoint, operation = path.split("/", 3)
    if operation == "async-invocations":
        result, extra = engine.async_invocations.invoke(endpoint, body, headers)
        return 202, {"Content-Type": "application/json", **extra}, result
    result, extra = engine.invocations.invoke(endpoint, body, headers)
    return 200, extra, result
