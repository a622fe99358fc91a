"""When what has come in starts a training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from headrace.config.block import Block
from headrace.config.schedules import Schedule


class Arrival(Block):
    """When files that have come in are trained on; `retraining` still says whether a model in service is replaced."""

    train: Literal["each_file", "batch", "schedule"] = Field(
        "each_file",
        description="What starts a training: each accepted file, a batch that is complete (an object `_SUCCESS` or a "
        "`*.manifest.json` says so), or a schedule.",
    )
    schedule: Schedule | None = Field(
        None,
        description="Needed by `train: schedule`: EventBridge Scheduler's rate(...) or cron(...), in UTC.",
    )
    wait_minutes: int = Field(
        60,
        ge=1,
        le=10_080,
        description="How long a batch waits for files that are not here yet, in minutes, before an alarm names them.",
    )
    if_missing: Literal["hold", "train"] = Field(
        "hold",
        description="What happens then: hold the batch back until it is dropped again, or train without the files.",
    )
