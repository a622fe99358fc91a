"""Writes or deletes an item of a table only if nobody else has been there before."""

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
        if not is_refused(error):
            raise
        return False
    return True


def delete_if(table: Table, key: Mapping[str, Any], condition: ConditionBase) -> None:
    """Delete an item if `condition` holds of it, and leave it where it is otherwise."""
    try:
        table.delete_item(Key=key, ConditionExpression=condition)
    except ClientError as error:
        if not is_refused(error):
            raise


def is_refused(error: ClientError) -> bool:
    """Tell whether a condition did not hold."""
    return error.response["Error"]["Code"] == "ConditionalCheckFailedException"
