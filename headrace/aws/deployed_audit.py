"""The audit ledger of a deployed pipeline, read and verified with the caller's permissions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from headrace.aws.audit_ledger import AuditHead, AuditLedger
from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.ml.audit.chain import Entry, Head, origin
from headrace.ml.audit.verification import Verdict, verify


class NoLedgerError(Exception):
    """The pipeline has no audit ledger; the text says what to do."""


@dataclass(frozen=True)
class Wanted:
    """Which entries are wanted; an empty text wants all.

    Parameters
    ----------
    event, by : str
        What was done; a part of who did it.
    version : int or None
        The model version that it was done to.
    """

    event: str = ""
    by: str = ""
    version: int | None = None

    def has(self, entry: Entry) -> bool:
        """Tell whether an entry is one of them."""
        record = entry.record
        return (
            self.event in ("", record.event)
            and self.by in record.by
            and self.version in (None, record.about.get("version"))
        )


@dataclass(frozen=True)
class DeployedAudit:
    """What people ask of the audit ledger of a running pipeline.

    Parameters
    ----------
    pipeline : DeployedPipeline
        Whose.
    """

    pipeline: DeployedPipeline

    def newest_first(self, count: int, wanted: Wanted) -> list[dict[str, Any]]:
        """Return the last `count` entries that are wanted, as plain values; broken ones are left to the verification."""
        return [entry.as_dict() for entry in islice(self._wanted(wanted), count)]

    def verify(self, kept: Head | None = None) -> Verdict:
        """Recompute the chain, and compare it with the head in the table, and with one that somebody has kept.

        Who verifies needs ``s3:ListBucketVersions`` and ``s3:GetObjectVersion`` on the bucket, and ``dynamodb:GetItem``.
        """
        # The head first: what is written meanwhile makes the chain longer, and takes nothing from it.
        head = self._head().load().head
        places = self._ledger().places()
        anchors = [anchor for anchor in (head, kept) if anchor and anchor.number]
        return verify(places, origin(self.pipeline.name), anchors)

    def _wanted(self, wanted: Wanted) -> Iterator[Entry]:
        return (entry for entry in self._ledger().newest_first() if entry and wanted.has(entry))

    def _ledger(self) -> AuditLedger:
        bucket = self.pipeline.outputs.get("AuditBucketName")
        if bucket is None:
            raise NoLedgerError(
                f"{self.pipeline.name} has no audit ledger: say audit: {{ledger: true}} in the pipeline file, and deploy it; "
                "headrace versions --audit shows the lines that every pipeline has"
            )
        return AuditLedger(self.pipeline.session.client("s3"), bucket, self._head())

    def _head(self) -> AuditHead:
        table = self.pipeline.session.resource("dynamodb").Table(self.pipeline.outputs["LedgerTableName"])
        return AuditHead(table, self.pipeline.name)
