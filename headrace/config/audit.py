"""What is written down of whoever does anything with a pipeline, so that it can be shown later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from headrace.config.block import Block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline


class Audit(Block):
    """Records of who did what, in a bucket of their own; `retention.object_lock_days` locks them.

    Examples
    --------
    >>> Audit(ledger=True).cloudtrail
    False
    """

    ledger: bool = Field(
        False,
        description="Whether what is trained, registered, approved, rejected, deployed, released, rolled back, erased and "
        "exported is written into a ledger whose entries are chained by hashes (`headrace audit`).",
    )
    cloudtrail: bool = Field(
        False,
        description="Whether CloudTrail writes down every call on the pipeline's objects, table, functions and models, and "
        "every change of the account's resources in its region. Costs by the number of calls.",
    )
    keep_days: int = Field(
        365,
        ge=1,
        le=36_500,
        description="CloudTrail's files are deleted after so many days. Entries of the ledger stay.",
    )


def audit_disagreements(pipeline: Pipeline) -> Iterator[Finding]:
    """Yield what is wrong between the block and the rest of the file."""
    locked = pipeline.retention.object_lock_days
    if pipeline.audit.cloudtrail and locked and locked > pipeline.audit.keep_days:
        yield (
            ("audit", "keep_days"),
            f"{pipeline.audit.keep_days} is shorter than files are locked ({locked}, by retention.object_lock_days)",
        )
