"""Repair: lets policies ask for the partition keys of the items that a request is about.

References
----------
.. [1] DynamoDB developer guide, "Using IAM policy conditions for fine-grained access control": ``dynamodb:LeadingKeys`` is the
   partition key's value, of each item of a request that has several.
.. [2] Service authorization reference, "Actions, resources, and condition keys for Amazon DynamoDB".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import dynamodb

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_EQUALS = re.compile(r"([#\w.]+)\s*=\s*(:\w+)")


def install(settings: Settings) -> None:
    """Add the partition keys to what conditions are evaluated against."""
    replace(iam_actions, "dynamodb_service_context", "body", _with_leading_keys)


def _with_leading_keys(original: Any) -> Any:
    def context(body: bytes) -> dict[str, Any]:
        found: dict[str, Any] = original(body)
        keys = sorted({value for table, part in _parts(body) for value in leading_keys(_key_of(table), part)})
        return {**found, "dynamodb:LeadingKeys": keys} if keys else found

    return context


def _parts(body: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (table, part of a request) for each table, and for each item of a transaction."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return
    if not isinstance(request, dict):
        return
    if "TableName" in request:
        yield request["TableName"], request
    for table, items in (request.get("RequestItems") or {}).items():
        keys = items.get("Keys", []) if isinstance(items, dict) else items
        for item in keys:
            [part] = item.values() if isinstance(items, list) else [{"Key": item}]
            yield table, part
    for operation in request.get("TransactItems") or []:
        for part in operation.values():
            yield part.get("TableName", ""), part


def _key_of(table: str) -> str:
    known = dynamodb._tables.get(table.rpartition("/")[2]) or {}
    return next((k["AttributeName"] for k in known.get("KeySchema", []) if k["KeyType"] == "HASH"), "")


def leading_keys(key: str, part: Mapping[str, Any]) -> list[str]:
    """Return the values of the partition key named `key` that a request, or a part of one, is about.

    Examples
    --------
    >>> leading_keys("kind", {"Key": {"kind": {"S": "file"}, "id": {"S": "1"}}})
    ['file']
    >>> leading_keys(
    ...     "kind",
    ...     {
    ...         "KeyConditionExpression": "#k = :k AND id > :i",
    ...         "ExpressionAttributeNames": {"#k": "kind"},
    ...         "ExpressionAttributeValues": {":k": {"S": "file"}, ":i": {"S": "1"}},
    ...     },
    ... )
    ['file']
    """
    given = [part[member][key] for member in ("Key", "Item") if key in (part.get(member) or {})]
    names, values = part.get("ExpressionAttributeNames") or {}, part.get("ExpressionAttributeValues") or {}
    for name, value in _EQUALS.findall(part.get("KeyConditionExpression") or ""):
        if names.get(name, name) == key and value in values:
            given.append(values[value])
    return [str(next(iter(value.values()))) for value in given]
