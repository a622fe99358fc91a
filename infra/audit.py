"""What is written down of whoever does anything: a ledger whose entries are chained, and CloudTrail's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from infra.audit_ledger import LedgerWriter, allow_appending_alone
from infra.audit_trail import CallTrail
from infra.data_buckets import RecordsBucket
from infra.empty_on_delete import EmptyOnDelete

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3

    from infra.data_stack import DataStack


class Audit(Construct):
    """The records that the pipeline file asks for, each in a bucket of its own.

    Attributes
    ----------
    ledger, calls : RecordsBucket or None
        The bucket of the ledger, and that of CloudTrail's files; None of what is not asked for.
    writer : LedgerWriter or None
        What appends to the ledger.
    trail : CallTrail or None
        What CloudTrail writes down.
    """

    def __init__(self, scope: Construct, id: str, *, data: DataStack, access_logs: s3.IBucket) -> None:
        super().__init__(scope, id)
        self._data, self._access_logs = data, access_logs
        wanted = data.pipeline.audit
        self.ledger = self._bucket("Ledger") if wanted.ledger else None
        self.calls = self._bucket("Calls") if wanted.cloudtrail else None
        self.writer = LedgerWriter(self, "Writer", data=data, bucket=self.ledger) if self.ledger else None
        watched = [data.data_bucket, data.artifacts_bucket, *([self.ledger] if self.ledger else [])]
        self.trail = (
            CallTrail(self, "Trail", data=data, bucket=self.calls, watched=watched) if self.calls else None
        )

    @property
    def buckets(self) -> list[RecordsBucket]:
        """All buckets of records."""
        return [bucket for bucket in (self.ledger, self.calls) if bucket]

    @property
    def delivered(self) -> list[RecordsBucket]:
        """Those that a service of AWS delivers to, when it likes."""
        return [self.calls] if self.calls else []

    def protect(self, emptying: EmptyOnDelete) -> None:
        """Let nobody change what is written down; whatever writes is deleted before the buckets are emptied.

        Parameters
        ----------
        emptying : EmptyOnDelete
            What empties the buckets when the pipeline is destroyed; where it does not, nobody may.
        """
        if self.ledger and self.writer:
            allowed = [self.writer.role, *([emptying.function.role] if emptying.deletes else [])]
            writer, *emptied_by = [role for role in allowed if role]
            allow_appending_alone(self.ledger, writer, emptied_by=emptied_by)
        for writing in (*(self.writer.writing if self.writer else ()), *([self.trail] if self.trail else ())):
            writing.node.add_dependency(emptying.resource)

    def _bucket(self, id: str) -> RecordsBucket:
        return RecordsBucket(
            self,
            id,
            key=self._data.key,
            access_logs=self._access_logs,
            retention=self._data.pipeline.retention,
            removal_policy=self._data.removal_policy,
            announce=self._data.strict,
        )
