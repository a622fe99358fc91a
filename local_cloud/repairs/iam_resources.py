"""Repair: builds, tables of Glue and images of other accounts are asked for by the resources that policies name.

References
----------
.. [1] Service authorization reference, "Actions, resources, and condition keys for AWS CodeBuild": the resource type of
   ``BatchGetBuilds`` is the project.
.. [2] AWS Glue developer guide, "Specifying AWS Glue resource ARNs": what is done to a table needs the permission on the table,
   its database and the catalog. Here the table is asked for.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_PARAMETERS = "service method path headers body query_params region account_id"


def install(settings: Settings) -> None:
    """Name the project where the emulator names nothing, the table where it names the database, and whose a repository is."""
    replace(iam_actions, "extract_resource_arn", _PARAMETERS, _with_builds)
    replace(iam_actions, "extract_resource_arn", _PARAMETERS, _with_tables)
    replace(iam_actions, "extract_resource_arn", _PARAMETERS, _with_registries)


def _with_builds(original: Any) -> Any:
    def resource_arn(service: str, *request: Any) -> str:
        found: str = original(service, *request)
        _, _, _, body, _, region, account = request
        if service != "codebuild" or found != "*":
            return found
        projects = {build.partition(":")[0] for build in _build_ids(body)}
        return f"arn:aws:codebuild:{region}:{account}:project/{projects.pop()}" if len(projects) == 1 else "*"

    return resource_arn


def _with_tables(original: Any) -> Any:
    def resource_arn(service: str, *request: Any) -> str:
        found: str = original(service, *request)
        _, _, headers, body, _, region, account = request
        table = (
            table_of(headers.get("x-amz-target", "").rpartition(".")[2], body) if service == "glue" else ""
        )
        return f"arn:aws:glue:{region}:{account}:table/{table}" if table else found

    return resource_arn


def _with_registries(original: Any) -> Any:
    def resource_arn(service: str, *request: Any) -> str:
        found: str = original(service, *request)
        _, _, _, body, _, _, account = request
        registry = registry_of(body) if service == "ecr" else ""
        return found.replace(f":{account}:repository/", f":{registry}:repository/") if registry else found

    return resource_arn


def registry_of(body: bytes) -> str:
    """Return the account whose images a request to ECR is about, or nothing: then it is the caller's.

    >>> registry_of(b'{"registryId": "683313688378", "repositoryName": "r"}'), registry_of(b"")
    ('683313688378', '')
    """
    try:
        return str(json.loads(body or b"{}").get("registryId", ""))
    except ValueError:
        return ""


def table_of(operation: str, body: bytes) -> str:
    """Return database and name of the table that a request to Glue is about, or nothing.

    Examples
    --------
    >>> table_of("GetPartitions", b'{"DatabaseName": "d", "TableName": "t"}')
    'd/t'
    >>> table_of("CreateTable", b'{"DatabaseName": "d", "TableInput": {"Name": "t"}}')
    'd/t'
    """
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return ""
    named = request.get("TableName") or (request.get("TableInput") or {}).get("Name")
    name = named or (request.get("Name") if operation in ("GetTable", "DeleteTable") else None)
    return f"{request['DatabaseName']}/{name}" if name and "DatabaseName" in request else ""


def _build_ids(body: bytes) -> list[str]:
    try:
        ids = json.loads(body or b"{}").get("ids", [])
    except ValueError:
        return []
    return [str(build) for build in ids]
