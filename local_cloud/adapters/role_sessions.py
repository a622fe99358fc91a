"""Sessions of the roles that services of AWS take on."""

from __future__ import annotations

import json
from typing import Any

from ministack.core.lambda_runtime import execution_credentials
from ministack.core.responses import request_scope
from ministack.services import iam

from local_cloud.sagemaker.surroundings import RoleSession
from local_cloud.settings import ACCOUNT, REGION, Settings


class RoleError(Exception):
    """The role does not exist, or does not trust the service."""


def role_session(settings: Settings, role_arn: str, service: str) -> RoleSession:
    """Take on a role as the service of this name, e.g. ``sagemaker``.

    Raises
    ------
    RoleError
        If there is no such role, or its trust policy does not name the service.
    """
    with request_scope(ACCOUNT, REGION):
        role = iam._roles.get(role_arn.rpartition("/")[2])
        known = role is not None and role["Arn"] == role_arn
        if not known or not trusts(role["AssumeRolePolicyDocument"], f"{service}.amazonaws.com"):
            raise RoleError(f"{role_arn} does not exist or does not trust {service}.amazonaws.com")
        # Made as the emulator makes those of functions: the same keys each time, for the same role and service.
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{service}"
        credentials = execution_credentials({"FunctionArn": arn, "FunctionName": service, "Role": role_arn})
    return RoleSession(credentials, settings.endpoint, REGION)


def trusts(policy: str, principal: str) -> bool:
    """Tell whether a trust policy lets a service principal assume the role; conditions are taken as met.

    Examples
    --------
    >>> trusts('{"Statement": {"Effect": "Allow", "Principal": {"Service": "a.amazonaws.com"}}}', "a.amazonaws.com")
    True
    """
    allowed = [
        statement["Effect"] == "Allow"
        for statement in _listed(json.loads(policy or "{}").get("Statement"))
        if principal in _services(statement.get("Principal"))
    ]
    return bool(allowed) and all(allowed)


def _services(principal: Any) -> list[str]:
    return _listed(principal.get("Service")) if isinstance(principal, dict) else []


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
