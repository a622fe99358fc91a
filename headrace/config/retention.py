"""How long is kept what has to be shown later: records that nobody can delete, and logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from headrace.config.block import Block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

LogDays = Literal[30, 90, 180, 365, 731, 1827, 3653]


class Retention(Block):
    """What nobody can delete, and how long logs are kept.

    Examples
    --------
    >>> Retention(object_lock_days=365).mode
    'governance'
    """

    object_lock_days: int | None = Field(
        None,
        ge=1,
        le=36_500,
        description="For so many days no record of the audit trail can be deleted or written over (S3 Object Lock); left "
        "out, there is no lock. Data and artifacts then take locks and legal holds of single versions, and have none by themselves. "
        "Needs `on_destroy: retain`.",
    )
    mode: Literal["governance", "compliance"] = Field(
        "governance",
        description="governance: who has s3:BypassGovernanceRetention can delete in spite of the lock; compliance: nobody "
        "can, not even the account's root.",
    )
    log_days: LogDays | None = Field(
        None,
        description="How long logs are kept, in days; none: 90, and 365 with `compliance: strict`. A log that holds "
        "predictions, of a serverless or asynchronous endpoint, is kept for 30.",
    )


def retention_disagreements(pipeline: Pipeline) -> Iterator[Finding]:
    """Yield what is wrong between the block and the rest of the file."""
    if pipeline.retention.object_lock_days and pipeline.on_destroy == "delete":
        yield (
            ("retention", "object_lock_days"),
            "locks records that `cdk destroy` would have to delete: say `on_destroy: retain`",
        )
