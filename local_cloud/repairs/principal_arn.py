"""Repair: policies that ask who calls are told the role, and not its session.

References
----------
.. [1] IAM user guide, "AWS global condition context keys", ``aws:PrincipalArn``: for a role the ARN of the role, not that of the
   session of whoever has assumed it.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings


def install(settings: Settings) -> None:
    """Answer ``aws:PrincipalArn`` as AWS does."""
    replace(iam_evaluator, "_resolve_condition_key", "key ctx", _of_the_role)


def _of_the_role(original: Any) -> Any:
    def resolve(key: str, ctx: Any) -> Any:
        found = original(key, ctx)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(found):
            return found
        name = str(found).split("/")[1]
        role = iam._roles.get(name)
        return role["Arn"] if role else f"arn:aws:iam::{ctx.principal_account}:role/{name}"

    return resolve
