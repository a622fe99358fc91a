"""Writes an item of a table only if nobody else has been there before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from boto3.dynamodb.conditions import ConditionBase
    from mypy_boto3_dynamodb.service_resource import Table


def put_if(table: Table, item: Mapping[str, Any], condition: ConditionBase | str) -> bool:
    """Write an item if `condition` holds of what is in its place, and tell whether it did."""
    try:
        table.put_item(Item=item, ConditionExpression=condition)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True
