"""CloudFormation's ``AWS::SageMaker::*`` resources."""

from __future__ import annotations

from typing import Any

from ministack.services.cloudformation import provisioners, stacks

from local_cloud.adapters.patching import replace
from local_cloud.adapters.sagemaker_engine import sagemaker_engine
from local_cloud.sagemaker.engine import Engine
from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.records import KINDS
from local_cloud.settings import Settings

_NOUNS = ("Model", "EndpointConfig", "Endpoint", "ModelPackageGroup")
_LONGEST_NAME = 63


def install(settings: Settings) -> None:
    """Register how each type is created and deleted."""
    engine = sagemaker_engine(settings)
    for noun in _NOUNS:
        provisioners._RESOURCE_HANDLERS[f"AWS::SageMaker::{noun}"] = _provisioner(engine, noun)
    replace(stacks, "_runs_on_worker_thread", "resource_type", _calling_back)


def _calling_back(original: Any) -> Any:
    """Keep ours off the event loop, too: they ask this server for a model's data."""
    return lambda resource_type: resource_type.startswith("AWS::SageMaker::") or original(resource_type)


def _provisioner(engine: Engine, noun: str) -> dict[str, Any]:
    kind = KINDS[noun]

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
        name = properties.get(kind.name_field) or f"{stack}-{logical_id}"[:_LONGEST_NAME]
        answer = engine.call(f"Create{noun}", {**properties, kind.name_field: name})
        arn = answer[kind.arn_field]
        return arn, {kind.arn_field: arn, kind.name_field: name, "Arn": arn}

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        try:
            engine.call(f"Delete{noun}", {kind.name_field: physical_id.split("/", 1)[-1]})
        except ApiError as error:
            if "ould not find" not in str(error) and "does not exist" not in str(error):
                raise

    return {"create": create, "delete": delete}
