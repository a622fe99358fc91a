"""Which dropped files somebody has begun with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Key

from headrace.aws.queried_items import query_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_PARTITIONS = ("file", "prediction", "feedback")
"""Of the ledger, where ingestion, batch predictions and labels write down what became of files."""


def taken_files(table: Table) -> set[tuple[str, str]]:
    """Return key and version of every file that the ledger knows: of what is left of another one, all is new data."""
    found: set[tuple[str, str]] = set()
    for partition in _PARTITIONS:
        items = query_items(
            table,
            KeyConditionExpression=Key("pk").eq(partition),
            ProjectionExpression="#key, version_id",
            ExpressionAttributeNames={"#key": "key"},
            ConsistentRead=True,
        )
        found |= {(str(item["key"]), str(item["version_id"])) for item in items if "version_id" in item}
    return found
