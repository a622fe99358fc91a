"""What happens to what was refused."""

from __future__ import annotations

from pydantic import Field

from headrace.config.block import Block


class Quarantine(Block):
    """How long refused rows and files are kept, and how many of them raise an alarm."""

    alarm_share: float = Field(
        0.2,
        gt=0,
        le=1,
        description="So large a share of refused rows, or of refused files, within an hour raises an alarm.",
    )
    keep_days: int = Field(
        90, ge=1, le=3650, description="What was refused is deleted after so many days, retried or not."
    )
