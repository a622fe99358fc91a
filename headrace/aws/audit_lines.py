"""Lines about what people do with commands; the audit ledger takes them over, where the pipeline has one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from headrace.aws.audit_ledger import AUDIT
from headrace.aws.conditional_put import put_if

if TYPE_CHECKING:
    from headrace.aws.deployed_pipeline import DeployedPipeline

LINE = "line#"
"""Begins the sort keys of such lines."""


@dataclass(frozen=True)
class AuditLines:
    """The items ``line#…`` of the partition ``audit``; each is written once.

    Parameters
    ----------
    pipeline : DeployedPipeline
        Whose, and with whose permissions.
    """

    pipeline: DeployedPipeline

    @property
    def wanted(self) -> bool:
        """Whether the pipeline has an audit ledger."""
        return "AuditBucketName" in self.pipeline.outputs

    def add(self, event: str, about: Mapping[str, Any], now: datetime) -> None:
        """Say what whoever has these credentials does; without an audit ledger, nothing is said.

        Parameters
        ----------
        event : str
            What is done, such as ``exported``.
        about : mapping
            Plain values; a person is named by the keyed hash alone.
        now : datetime
            When.
        """
        if not self.wanted:
            return
        by = self.pipeline.session.client("sts").get_caller_identity()["Arn"]
        table = self.pipeline.session.resource("dynamodb").Table(self.pipeline.outputs["LedgerTableName"])
        item = {
            "pk": AUDIT,
            "sk": f"{LINE}{now.isoformat()}#{uuid.uuid4().hex[:12]}",
            "event": event,
            "by": by,
            "about": json.dumps(about),
        }
        put_if(table, item, Attr("pk").not_exists())
