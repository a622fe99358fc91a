"""What the ledger knows of quarantine: one item for each file of which something was refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from headrace.aws.conditional_put import is_refused
from headrace.aws.queried_items import query_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_PARTITION = "quarantine"
_GIVEN_UP = timedelta(minutes=15)  # longer than the copy of the largest file takes


class BusyError(Exception):
    """Somebody else has retried the file, or is about to."""


@dataclass(frozen=True)
class Retry:
    """A second way in that was given to refused rows, or to a whole file.

    Parameters
    ----------
    claimed_at : str
        ISO 8601, UTC.
    key, version_id : str or None
        What was dropped; None as long as it is not known to have been.
    rows : int
        How many rows were dropped again; 0 for a whole file.
    """

    claimed_at: str
    key: str | None = None
    version_id: str | None = None
    rows: int = 0


@dataclass(frozen=True)
class Refusal:
    """A file of which something was refused.

    Parameters
    ----------
    key, version_id, dropped_at : str
        Which file, as in the ledger's item ``file``.
    order : str
        Its place in the ledger.
    accepted, quarantined : int
        Rows of it that were accepted, and refused; both are 0 if it was refused whole.
    refused : str or None
        Reason code if it was refused whole.
    reasons : mapping of str to int
        Rows by reason code.
    retry : Retry or None
        The second way in, if it was given one.
    """

    key: str
    version_id: str
    dropped_at: str
    order: str
    accepted: int = 0
    quarantined: int = 0
    refused: str | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)
    retry: Retry | None = None

    @property
    def state(self) -> str:
        """``waiting``, ``retrying`` or ``retried``."""
        if self.retry is None:
            return "waiting"
        return "retried" if self.retry.version_id else "retrying"

    @property
    def codes(self) -> frozenset[str]:
        """Every reason code that occurs."""
        return frozenset({self.refused} if self.refused else self.reasons)

    @property
    def waiting_rows(self) -> int:
        """Rows that lie in quarantine and nowhere else."""
        return self.quarantined - (self.retry.rows if self.retry and self.retry.version_id else 0)


class RefusalLedger:
    """The items ``quarantine`` of the ledger table, in the order in which the files were dropped."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def record(self, refusal: Refusal) -> None:
        """Write down what was refused; doing so again changes nothing, not even what was retried since."""
        known = {
            "key": refusal.key,
            "version_id": refusal.version_id,
            "dropped_at": refusal.dropped_at,
            "accepted": refusal.accepted,
            "quarantined": refusal.quarantined,
            "refused": refusal.refused,
            "reasons": dict(refusal.reasons),
        }
        self._set(refusal, known)

    def all(self, *, since: str = "", key: str | None = None) -> Iterator[Refusal]:
        """Yield refusals, the oldest first.

        Parameters
        ----------
        since : str
            The first day, or the first moment, in ISO 8601.
        key : str, optional
            Only of this file.
        """
        asked = Key("pk").eq(_PARTITION)
        arguments: dict[str, Any] = {
            "KeyConditionExpression": asked & Key("sk").gte(since) if since else asked,
            "ConsistentRead": True,
        }
        if key is not None:
            arguments["FilterExpression"] = Attr("key").eq(key)
        return map(_refusal, query_items(self._table, **arguments))

    def claim(self, refusal: Refusal, now: datetime) -> None:
        """Take the right to retry, so that nobody does it twice; one that was not used is free again after 15 minutes.

        Raises
        ------
        BusyError
            If it was retried, or somebody has the right.
        """
        free = Attr("retry").not_exists() | (
            Attr("retry.version_id").not_exists()
            & Attr("retry.claimed_at").lt((now - _GIVEN_UP).isoformat(timespec="seconds"))
        )
        try:
            self._set(refusal, {"retry": {"claimed_at": now.isoformat(timespec="seconds")}}, free)
        except ClientError as error:
            if not is_refused(error):
                raise
            raise BusyError(f"{refusal.key} was retried, or is being retried by somebody else") from None

    def release(self, refusal: Refusal) -> None:
        """Give the right back: nothing was dropped."""
        self._table.update_item(
            Key={"pk": _PARTITION, "sk": refusal.order},
            UpdateExpression="REMOVE #retry",
            ExpressionAttributeNames={"#retry": "retry"},
        )

    def settle(self, refusal: Refusal, retry: Retry) -> None:
        """Write down what was dropped again."""
        known = {
            "claimed_at": retry.claimed_at,
            "key": retry.key,
            "version_id": retry.version_id,
            "rows": retry.rows,
        }
        self._set(refusal, {"retry": known})

    def _set(self, refusal: Refusal, values: Mapping[str, Any], condition: Any = None) -> None:
        names = {f"#{name}": name for name in values}  # some are words that DynamoDB keeps for itself
        self._table.update_item(
            Key={"pk": _PARTITION, "sk": refusal.order},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
            **({} if condition is None else {"ConditionExpression": condition}),
        )


def _refusal(item: Mapping[str, Any]) -> Refusal:
    retry = item.get("retry")
    return Refusal(
        key=str(item["key"]),
        version_id=str(item["version_id"]),
        dropped_at=str(item["dropped_at"]),
        order=str(item["sk"]),
        accepted=int(item["accepted"]),
        quarantined=int(item["quarantined"]),
        refused=item.get("refused"),
        reasons={str(code): int(rows) for code, rows in item["reasons"].items()},
        retry=retry and Retry(**{**retry, "rows": int(retry.get("rows", 0))}),
    )
