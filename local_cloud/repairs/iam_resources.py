"""Repair: a request for builds is one for their project, which policies name.

References
----------
.. [1] Service authorization reference, "Actions, resources, and condition keys for AWS CodeBuild": the resource type of
   ``BatchGetBuilds`` is the project.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_PARAMETERS = "service method path headers body query_params region account_id"


def install(settings: Settings) -> None:
    """Name the project where the emulator names nothing."""
    replace(iam_actions, "extract_resource_arn", _PARAMETERS, _with_builds)


def _with_builds(original: Any) -> Any:
    def resource_arn(service: str, *request: Any) -> str:
        found: str = original(service, *request)
        _, _, _, body, _, region, account = request
        if service != "codebuild" or found != "*":
            return found
        projects = {build.partition(":")[0] for build in _build_ids(body)}
        return f"arn:aws:codebuild:{region}:{account}:project/{projects.pop()}" if len(projects) == 1 else "*"

    return resource_arn


def _build_ids(body: bytes) -> list[str]:
    try:
        ids = json.loads(body or b"{}").get("ids", [])
    except ValueError:
        return []
    return [str(build) for build in ids]
