"""What is known of each file of recorded predictions, so that most need not be opened: rows, times, and which ids it may have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Key

from headrace.aws.queried_items import query_items
from headrace.ml.id_filter import IdFilter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

INDEX = "recorded"
"""Partition of the ledger table: an item for each file of predictions."""

_MOST_BYTES = 300_000  # an item may have 400 KB


@dataclass(frozen=True)
class IndexedFile:
    """What was written down of a file when it was written.

    Parameters
    ----------
    key : str
        Where it is.
    size_bytes : int
        What it took then; another size says that it was rewritten since, and counts less.
    rows : int
        How many predictions.
    first, last : str
        Times of the first and the last of them, ISO 8601, UTC.
    ids : IdFilter or None
        Inference ids and event ids; None of a file with more of them than an item can hold.
    """

    key: str
    size_bytes: int
    rows: int
    first: str
    last: str
    ids: IdFilter | None

    def may_have(self, id: str) -> bool:
        """Tell whether the file may have a prediction under an id."""
        return self.ids is None or self.ids.may_have(id)


class PredictionIndex:
    """The items ``recorded`` of the ledger table, by the day of the predictions."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, file: IndexedFile) -> None:
        """Write down what a file has; doing so again changes nothing."""
        ids = {} if file.ids is None or len(file.ids.bits) > _MOST_BYTES else {"ids": file.ids.bits}
        item = {name: getattr(file, name) for name in ("key", "size_bytes", "rows", "first", "last")}
        self._table.put_item(Item={"pk": INDEX, "sk": _order(file.key), **item, **ids})

    def between(self, first: date, last: date) -> dict[str, IndexedFile]:
        """Return what is known of the files of some days, by key; files of an earlier release of Headrace are not in it."""
        days = Key("sk").between(first.isoformat(), f"{last.isoformat()}~")
        found = query_items(self._table, KeyConditionExpression=Key("pk").eq(INDEX) & days)
        return {str(item["key"]): _file(item) for item in found}


def _order(key: str) -> str:
    """Return the sort key of a file: its day comes first.

    Examples
    --------
    >>> _order("predictions/variant=v3/date=2026-01-31/8c5e.parquet")
    '2026-01-31#v3#8c5e'
    """
    _, variant, day, name = key.split("/")
    return f"{day.partition('=')[2]}#{variant.partition('=')[2]}#{name.removesuffix('.parquet')}"


def _file(item: dict[str, Any]) -> IndexedFile:
    return IndexedFile(
        key=str(item["key"]),
        size_bytes=int(item["size_bytes"]),
        rows=int(item["rows"]),
        first=str(item["first"]),
        last=str(item["last"]),
        ids=IdFilter(bytes(item["ids"])) if "ids" in item else None,
    )
