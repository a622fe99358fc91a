"""Step Functions' SageMaker integrations, ``.sync`` included.

References
----------
.. [1] Step Functions developer guide, "Create and manage Amazon SageMaker AI jobs with Step Functions".
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import stepfunctions

from local_cloud.adapters.sagemaker_engine import sagemaker_engine
from local_cloud.sagemaker.engine import Engine
from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.records import KINDS
from local_cloud.settings import Settings

_OPTIMISED = "arn:aws:states:::sagemaker:"
_SDK = "arn:aws:states:::aws-sdk:sagemaker:"


def install(settings: Settings) -> None:
    """Register the two families of resources."""
    engine = sagemaker_engine(settings)
    stepfunctions._SERVICE_DISPATCH[_OPTIMISED] = lambda resource, arguments: _task(
        engine, resource.removeprefix(_OPTIMISED), arguments, "SageMaker.AmazonSageMakerException"
    )
    stepfunctions._SERVICE_DISPATCH[_SDK] = lambda resource, arguments: _task(
        engine, resource.removeprefix(_SDK), arguments, "SageMaker.SageMakerException"
    )


def _task(engine: Engine, action: str, arguments: dict[str, Any], unnamed_error: str) -> Any:
    name, _, pattern = action.partition(".")
    operation = name[:1].upper() + name[1:]
    try:
        answer = engine.call(operation, arguments)
    except ApiError as error:
        # Only errors that the service model declares have a class of their own in the SDK.
        declared = error.code in (
            "ResourceInUse",
            "ResourceNotFound",
            "ResourceLimitExceeded",
            "ConflictException",
        )
        named = f"SageMaker.{error.code.removesuffix('Exception')}Exception"
        raise stepfunctions._ExecutionError(named if declared else unnamed_error, str(error)) from None
    if pattern != "sync":
        return _plain(answer)
    noun = operation.removeprefix("Create")
    kind = KINDS[noun]
    record = engine.jobs[noun].wait(arguments[kind.name_field])
    described = _plain(engine.call(f"Describe{noun}", {kind.name_field: arguments[kind.name_field]}))
    if record[kind.status_field] != "Completed":
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(described))
    return described


def _plain(answer: dict[str, Any]) -> Any:
    return json.loads(json.dumps(answer, default=str))
