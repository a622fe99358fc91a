"""How far the import of a database has come: one item of the ledger for each source."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Attr

from headrace.aws.conditional_put import put_if
from headrace.aws.watermark import Watermark
from headrace.config.database import Database

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


class OvertakenError(Exception):
    """Another import of the same source has moved on in the meantime."""


@dataclass(frozen=True)
class Progress:
    """Where an import is.

    Parameters
    ----------
    run : str
        What the files of the last import lie under: when its goal was fixed.
    position : Watermark or None
        Rows up to here are in files; None before the first one.
    goal : Watermark or None
        Rows up to here are being imported; None when the import has come to its end. It is fixed until it is reached.
    pending : Watermark or None
        End of the file that is being written. Whoever comes next writes the same one, or finds it written.
    version : int
        Grows with every change; 0 for what is not in the ledger yet.
    """

    run: str = ""
    position: Watermark | None = None
    goal: Watermark | None = None
    pending: Watermark | None = None
    version: int = 0


class ImportLedger:
    """The item ``import`` of one source: it changes only for the one who has seen its last change.

    Parameters
    ----------
    table : Table
        The ledger.
    source : str
        Which import, as `source_id` tells.
    """

    def __init__(self, table: Table, source: str) -> None:
        self._table = table
        self._key = {"pk": "import", "sk": source}

    def load(self) -> Progress | None:
        """Return how far the import has come; None if it has never begun."""
        item = self._table.get_item(Key=self._key, ConsistentRead=True).get("Item")
        if item is None:
            return None
        return Progress(
            run=str(item["run"]),
            position=_read(item.get("position")),
            goal=_read(item.get("goal")),
            pending=_read(item.get("pending")),
            version=int(str(item["version"])),
        )

    def save(self, progress: Progress) -> Progress:
        """Write `progress` over the version that it was made from, and return it with its new version.

        Raises
        ------
        OvertakenError
            If somebody else has written in the meantime; nothing is changed then.
        """
        saved = replace(progress, version=progress.version + 1)
        marks = {"position": saved.position, "goal": saved.goal, "pending": saved.pending}
        named = {name: mark.token for name, mark in marks.items() if mark}
        seen = Attr("version").eq(progress.version) if progress.version else Attr("version").not_exists()
        item = {**self._key, "run": saved.run, "version": saved.version, **named}
        if not put_if(self._table, item, seen):
            raise OvertakenError("another import of the same source has moved on")
        return saved


def source_id(database: Database) -> str:
    """Name what is imported: the same as long as table or query and the watermark's column stay.

    Examples
    --------
    >>> source_id(Database(engine="mysql", secret="shop", table="orders", watermark="id"))
    'orders#d997d0ed76a57026'
    """
    identity = "\0".join(
        [database.engine, database.table or "", database.query or "", database.watermark or ""]
    )
    return f"{database.source}#{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def _read(token: object) -> Watermark | None:
    return Watermark.parse(str(token)) if token else None
