"""The block `feedback`: labels that come after the predictions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from headrace.config.block import Block
from headrace.config.schedules import Schedule


class Feedback(Block):
    """Labels that come late: each is joined to its prediction, and becomes a row to learn from.

    Examples
    --------
    >>> feedback = Feedback()
    >>> feedback.join, feedback.within_days, feedback.train
    ('inference_id', 30, True)
    """

    join: Literal["inference_id", "entity"] = Field(
        "inference_id",
        description="What finds the prediction: the inference id that the caller sent, or the row's id and the time.",
    )
    within_days: int = Field(
        30,
        ge=1,
        le=365,
        description="How long a label waits for its prediction, and how old the prediction may be, in days.",
    )
    settle_minutes: int = Field(
        120,
        ge=0,
        le=10_080,
        description="By entity: a label is not joined before so many minutes after the moment it speaks of, so that later "
        "predictions have been recorded.",
    )
    train: bool = Field(
        True,
        description="Whether labelled predictions come in as rows to learn from, under incoming/feedback/.",
    )
    api: bool = Field(
        False, description="Whether labels can be sent by HTTPS too, signed with AWS credentials."
    )
    gather_seconds: int = Field(
        60,
        ge=0,
        le=300,
        description="How long files of labels may wait for further ones, to be joined together, in seconds.",
    )
    schedule: Schedule = Field(
        "rate(1 hour)",
        description="When waiting labels are tried again: EventBridge Scheduler's rate(...) or cron(...), in UTC.",
    )
