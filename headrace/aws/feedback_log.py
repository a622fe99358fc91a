"""What the ledger knows of feedback: one item for each file of labels, and one for each join."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Key

from headrace.aws.conditional_put import put_if
from headrace.aws.dropped_files import DroppedFile
from headrace.aws.queried_items import query_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

PARTITION = "feedback"
_FILE, _JOIN = "file#", "join#"


class FeedbackLog:
    """The items ``feedback`` of the ledger table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def knows(self, file: DroppedFile) -> bool:
        """Tell whether the labels of a file were taken already."""
        key = {"pk": PARTITION, "sk": _order(file)}
        return "Item" in self._table.get_item(Key=key, ConsistentRead=True)

    def taken(self, file: DroppedFile, counts: Mapping[str, int], refused: str | None = None) -> bool:
        """Write down how many labels of a file were received and refused; tell whether nobody had before."""
        named = {"key": file.key, "version_id": file.version_id, "refused_file": refused}
        item = {"pk": PARTITION, "sk": _order(file), **named, **counts}
        return put_if(self._table, item, "attribute_not_exists(pk)")

    def joined(self, name: str, began_at: str, counts: Mapping[str, int]) -> None:
        """Write down what became of the labels of a join; doing so again changes nothing."""
        self._table.put_item(
            Item={"pk": PARTITION, "sk": f"{_JOIN}{began_at}#{name}", "name": name, **counts}
        )

    def status(self) -> dict[str, Any]:
        """Return what became of labels, and how many files were refused whole, in all and by day; and how many labels wait now."""
        days: dict[str, Counter[str]] = {}
        pending = 0
        for item in query_items(self._table, KeyConditionExpression=Key("pk").eq(PARTITION)):
            kind, moment = str(item["sk"]).split("#")[:2]
            day = days.setdefault(moment[:10], Counter())
            day.update({name: int(item[name]) for name in _COUNTED if name in item})
            day["refused_files"] += bool(item.get("refused_file"))
            if f"{kind}#" == _JOIN:  # the last one counts: items come in the order of time
                pending = int(item["pending"])
        total = sum(days.values(), Counter[str]())
        return {
            **{name: total[name] for name in _COUNTED},
            "pending": pending,
            "days": [{"day": day, **{name: days[day][name] for name in _COUNTED}} for day in sorted(days)],
        }


_COUNTED = ("received", "refused", "refused_files", "matched", "corrected", "expired")


def _order(file: DroppedFile) -> str:
    return f"{_FILE}{file.dropped_at}#{file.digest}"
