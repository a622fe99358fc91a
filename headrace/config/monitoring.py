"""How traffic is watched, and how often an alarm may be false."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from headrace.config.block import Block
from headrace.config.quality import Quality
from headrace.config.schedules import Schedule, runs_a_year

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

_BUDGET = re.compile(r"^([1-9][0-9]{0,5}) per (day|week|month|quarter|year)$")
_A_YEAR = {"day": 365.25, "week": 365.25 / 7, "month": 12.0, "quarter": 4.0, "year": 1.0}
_MOST_RATE = 0.5


class Monitoring(Block):
    """How traffic is watched.

    Examples
    --------
    >>> round(1 / Monitoring(false_alarms="1 per quarter", schedule="rate(1 hour)").false_alarm_rate, 1)
    2191.5
    """

    schedule: Schedule = Field(
        "rate(1 hour)",
        description="EventBridge Scheduler's rate(...) or cron(...), at most once a minute, in UTC.",
    )
    false_alarms: str = Field(
        "1 per quarter",
        description="How many alarms without drift are accepted, over all columns: "
        "`N per day`, `week`, `month`, `quarter` or `year`.",
    )
    smallest_effect: float = Field(
        0.04,
        gt=0,
        le=2,
        description="Smaller moves are never drift, however sure: a shift of a normal variable, in its standard "
        "deviations; 0.04 moves 1.6 rows of 100, 0.1 moves 4, 0.5 moves 20.",
    )
    min_rows: int = Field(100, ge=30, description="A check waits until so many rows were captured.")
    model_monitor_metrics: bool = Field(
        False,
        description="Also emit SageMaker Model Monitor's own CloudWatch metrics, for alarms and dashboards made for it: "
        "three for each number, two for each other feature, about $0.30 a month each.",
    )
    quality: Quality = Field(
        default_factory=Quality,
        description="How good the answers are: estimated at first, measured once labels come.",
    )

    @property
    def false_alarm_rate(self) -> float:
        """How often a check of traffic without drift may alarm: 0 to 1."""
        return _a_year(self.false_alarms) / runs_a_year(self.schedule)

    @field_validator("false_alarms")
    @classmethod
    def _is_a_budget(cls, budget: str) -> str:
        _a_year(budget)
        return budget


def _a_year(budget: str) -> float:
    if not (match := _BUDGET.match(budget)):
        raise ValueError(
            f"{budget!r} is no number of false alarms; write N per day, week, month, quarter or year, "
            "such as 1 per quarter"
        )
    return int(match[1]) * _A_YEAR[match[2]]


def monitoring_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what is wrong between the schedule of the checks and the false alarms accepted."""
    monitoring = pipeline.monitoring
    if monitoring.false_alarm_rate <= _MOST_RATE:
        return []
    return [
        (
            ("monitoring", "false_alarms"),
            f"{monitoring.false_alarms} is more than every second check with the schedule {monitoring.schedule}; "
            "accept fewer false alarms or check more often",
        )
    ]
