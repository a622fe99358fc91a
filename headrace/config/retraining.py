"""When a model in service is trained again, and what holds that back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from headrace.config.block import Block
from headrace.config.data_window import DataWindow


class Retraining(Block):
    """When a model in service is trained again. By hand is always possible."""

    on: tuple[Literal["drift", "quality", "new_data", "schedule"], ...] = Field(
        ("drift", "quality"),
        description="What starts a training: an alarm on drift, an alarm on measured quality or on concept drift, "
        "every acceptance of data, a schedule.",
    )
    new_rows: int | None = Field(
        None,
        ge=1,
        description="Also train whenever so many labelled rows have come since the last training; none: rows alone "
        "start nothing.",
    )
    min_new_rows: int = Field(200, ge=1, description="Never without at least so many new labelled rows.")
    cooldown_minutes: int = Field(
        60,
        ge=0,
        description="Never sooner after the last retraining, in minutes; doubled for each retraining in a row that "
        "did not cure the alarm.",
    )
    max_per_week: int = Field(20, ge=1, description="Never more retrainings than that within seven days.")
    max_usd_per_month: float | None = Field(
        None,
        gt=0,
        description="Never if this calendar month's trainings and the next one would cost more, in US dollars, "
        "estimated; none: no cap.",
    )
    give_up_after: int = Field(
        3,
        ge=1,
        le=10,
        description="So many retrainings in a row that did not cure the alarm are the last; then it only pages.",
    )
    data: DataWindow = Field(default_factory=DataWindow, description="Which rows a model learns from.")
