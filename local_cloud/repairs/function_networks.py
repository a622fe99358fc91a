"""Repair: a function that a template places in a network is there, and one is refused whose subnets are not.

References
----------
.. [1] CloudFormation template reference, ``AWS::Lambda::Function``: ``VpcConfig``, updated without interruption.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from local_cloud.adapters.patching import replace, require
from local_cloud.settings import Settings


def install(settings: Settings) -> None:
    """Store the network with the function whenever CloudFormation has made or changed it."""
    require(lambda_svc, "_vpc_config_with_id", "request_config")
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    for name, verb, parameters in (
        ("_lambda_create", "create", "logical_id props stack_name"),
        ("_lambda_update", "update", "physical_id old_props new_props stack_name logical_id"),
    ):
        replace(provisioners, name, parameters, _with_network)
        handlers[verb] = getattr(provisioners, name)


def _with_network(original: Callable[..., Any]) -> Callable[..., Any]:
    def provision(*arguments: Any, **named: Any) -> Any:
        # What CloudFormation wants comes last of what is a mapping: (id, properties, …) or (id, old, new, …).
        wanted = [argument for argument in (*arguments, *named.values()) if isinstance(argument, dict)][-1]
        network = lambda_svc._vpc_config_with_id(wanted.get("VpcConfig"))
        if network["SubnetIds"] and not network["VpcId"]:
            subnets = ", ".join(network["SubnetIds"])
            raise ValueError(f"The subnets {subnets} do not exist, or are not of one VPC")
        made = original(*arguments, **named)
        lambda_svc._functions[made[0]]["config"]["VpcConfig"] = network
        return made

    return provision
