"""How far the tasks of the monitoring have come: the items ``monitor`` of the ledger table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from headrace.aws.capture_window import START, Checkpoint
from headrace.aws.conditional_put import put_if

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_DIGEST_BYTES = 8
_LAST_PREDICTION = {"pk": "monitor", "sk": "last_prediction"}


class OvertakenError(Exception):
    """Another run of the same task has moved on in the meantime; nothing was changed."""


@dataclass(frozen=True)
class Progress:
    """How far one task has come with the objects of one variant.

    Parameters
    ----------
    checkpoint : Checkpoint
        What has been taken.
    pending : tuple of str
        Keys that are being worked on. Whoever comes next does the same work again: it has the same outcome.
    chunk : int
        Number of the work that is pending, or else was done last; 0 before the first.
    version : int
        Grows with every change; 0 for what is not in the ledger yet.
    """

    checkpoint: Checkpoint = START
    pending: tuple[str, ...] = ()
    chunk: int = 0
    version: int = 0


class ProgressLog:
    """One item per variant: it changes only for the one who has seen its last change.

    Parameters
    ----------
    table : Table
        The ledger.
    task : str
        Whose progress: ``recorded``, ``checked``.
    """

    def __init__(self, table: Table, task: str) -> None:
        self._table, self._task = table, task

    def load(self, variant: str) -> Progress:
        """Return how far the task has come with `variant`."""
        item: Any = self._table.get_item(Key=self._key(variant), ConsistentRead=True).get("Item")
        if item is None:
            return Progress()
        checkpoint = Checkpoint(
            datetime.fromisoformat(item["taken_upto"]),
            datetime.fromisoformat(item["newest_hour"]),
            _unpacked(bytes(item["seen"])) if "seen" in item else frozenset(),
        )
        return Progress(checkpoint, tuple(item["pending"]), int(item["chunk"]), int(item["version"]))

    def save(self, variant: str, progress: Progress) -> Progress:
        """Write `progress` over the version that it was made from, and return it with its new version.

        Raises
        ------
        OvertakenError
            If somebody else has written in the meantime.
        """
        saved = replace(progress, version=progress.version + 1)
        seen = b"".join(map(bytes.fromhex, sorted(saved.checkpoint.seen)))
        item = {
            **self._key(variant),
            "taken_upto": saved.checkpoint.taken_upto.isoformat(),
            "newest_hour": saved.checkpoint.newest_hour.isoformat(),
            "pending": list(saved.pending),
            "chunk": saved.chunk,
            "version": saved.version,
            **({"seen": seen} if seen else {}),
        }
        known = Attr("version").eq(progress.version) if progress.version else Attr("version").not_exists()
        if not put_if(self._table, item, known):
            raise OvertakenError(f"another run has moved on with variant {variant}")
        return saved

    def _key(self, variant: str) -> dict[str, str]:
        return {"pk": "monitor", "sk": f"{self._task}#{variant}"}


class LastPrediction:
    """When the endpoint answered last, whichever variant did."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def note(self, at: datetime) -> None:
        """Write down that there was an answer `at` a time; an earlier one than is known changes nothing."""
        text = at.isoformat()
        put_if(self._table, {**_LAST_PREDICTION, "at": text}, Attr("at").not_exists() | Attr("at").lt(text))

    def time(self) -> datetime | None:
        """Return the time of the last answer that was captured, in UTC; None if there was none."""
        item = self._table.get_item(Key=_LAST_PREDICTION, ConsistentRead=True).get("Item")
        return datetime.fromisoformat(str(item["at"])) if item else None


def _unpacked(digests: bytes) -> frozenset[str]:
    return frozenset(
        digests[start : start + _DIGEST_BYTES].hex() for start in range(0, len(digests), _DIGEST_BYTES)
    )
