"""Items of a table that a query finds, however many pages they come in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


def query_items(table: Table, **asked: Any) -> Iterator[dict[str, Any]]:
    """Yield the items that a query finds, in their order; a page is asked for once those before are used up."""
    page: dict[str, Any] = {}
    while True:
        answer = table.query(**asked, **page)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        page = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
