"""Validators of REST APIs that a template makes: the emulator makes none of them, and forgets that a method has one.

References
----------
.. [1] CloudFormation user guide, "AWS::ApiGateway::RequestValidator" and "AWS::ApiGateway::Method".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import apigateway_v1
from ministack.services.cloudformation import provisioners

from local_cloud.adapters.patching import require
from local_cloud.settings import Settings

_CHECKS = {
    "ValidateRequestBody": "validateRequestBody",
    "ValidateRequestParameters": "validateRequestParameters",
}
_UPDATE = "physical_id old_props new_props stack_name"


def install(settings: Settings) -> None:
    """Make validators, and name them in the methods that have them."""
    require(apigateway_v1, "_create_request_validator", "api_id data")
    require(apigateway_v1, "_update_request_validator", "api_id validator_id data")
    require(apigateway_v1, "_delete_request_validator", "api_id validator_id")
    require(apigateway_v1, "_update_method", "api_id resource_id http_method data")
    require(provisioners, "_apigw_method_create", "logical_id props stack_name")
    require(provisioners, "_apigw_method_update", _UPDATE)
    require(provisioners, "_apigw_request_validator_update", _UPDATE)
    handlers = provisioners._RESOURCE_HANDLERS
    handlers["AWS::ApiGateway::RequestValidator"] = {"create": _create, "update": _update, "delete": _delete}
    methods = handlers["AWS::ApiGateway::Method"]
    handlers["AWS::ApiGateway::Method"] = {
        **methods,
        "create": _naming_its_validator(methods["create"], properties=1),
        "update": _naming_its_validator(methods["update"], properties=2),
    }


def _create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
    data = {name: _true(props.get(field)) for field, name in _CHECKS.items()}
    status, _, body = apigateway_v1._create_request_validator(
        props["RestApiId"], {"name": props.get("Name") or logical_id, **data}
    )
    made = json.loads(body)
    if "id" not in made:
        raise ValueError(f"AWS::ApiGateway::RequestValidator create failed ({status}): {made.get('message')}")
    return made["id"], {"RequestValidatorId": made["id"]}


def _update(
    physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, str]]:
    if any(new_props.get(field) != old_props.get(field) for field in ("RestApiId", "Name")):
        return _create(physical_id, new_props, stack_name)
    operations = [
        {"op": "replace", "path": f"/{name}", "value": str(_true(new_props.get(field)))}
        for field, name in _CHECKS.items()
    ]
    apigateway_v1._update_request_validator(
        new_props["RestApiId"], physical_id, {"patchOperations": operations}
    )
    return physical_id, {"RequestValidatorId": physical_id}


def _delete(physical_id: str, props: dict[str, Any]) -> None:
    apigateway_v1._delete_request_validator(props["RestApiId"], physical_id)


def _naming_its_validator(original: Callable[..., Any], *, properties: int) -> Callable[..., Any]:
    """Give a method the validator that its template names; `properties` is their place among the arguments."""

    def provision(*args: Any) -> Any:
        made, props = original(*args), args[properties]
        validator = {"op": "replace", "path": "/requestValidatorId", "value": props.get("RequestValidatorId")}
        apigateway_v1._update_method(
            props["RestApiId"], props["ResourceId"], props["HttpMethod"], {"patchOperations": [validator]}
        )
        return made

    return provision


def _true(value: Any) -> bool:
    return str(value).lower() == "true"
