"""Repair: a template can put a web ACL of AWS WAF before a stage; the emulator knows the calls for that, and not the resource.

References
----------
.. [1] CloudFormation template reference, ``AWS::WAFv2::WebACLAssociation``: a change of either property makes another association.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ministack.services import waf

from local_cloud.adapters.patching import require
from local_cloud.adapters.resource_types import register
from local_cloud.settings import Settings

_STAGE = re.compile(r"arn:[\w-]+:apigateway:[\w-]+::/restapis/[^/]+/stages/[^/]+")


def install(settings: Settings) -> None:
    """Provision associations by the emulator's own calls, which refuse a web ACL that is not there."""
    require(waf, "_associate_web_acl", "data")
    require(waf, "_disassociate_web_acl", "data")
    register("AWS::WAFv2::WebACLAssociation", create=_create, update=_update, delete=_delete)


def _create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
    stage, acl = str(props["ResourceArn"]), str(props["WebACLArn"])
    if not _STAGE.fullmatch(stage):
        raise ValueError(f"WAFInvalidParameterException: {stage} is no stage of a REST API")
    status, _, body = waf._associate_web_acl({"ResourceArn": stage, "WebACLArn": acl})
    if status != 200:  # noqa: PLR2004 - HTTP
        raise ValueError(f"AWS::WAFv2::WebACLAssociation create failed: {json.loads(body)}")
    return stage, {}


def _update(
    physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, str]]:
    made = _create(physical_id, new_props, stack_name)
    if new_props["ResourceArn"] != old_props["ResourceArn"]:
        _delete(physical_id, old_props)
    return made


def _delete(physical_id: str, props: dict[str, Any]) -> None:
    waf._disassociate_web_acl({"ResourceArn": props["ResourceArn"]})
