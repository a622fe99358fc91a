"""What must hold between the block `alarms` and the rest of a pipeline file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.config.durations import hours
from headrace.config.schedules import schedule_minutes

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline


def alarm_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what is wrong: the field's path, and what about it.

    Examples
    --------
    >>> from headrace.config.pipeline import Pipeline
    >>> Pipeline(name="bike", problem="regression", target="cnt", alarms={"no_data_after": "5 minutes"})
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Pipeline
      Value error, alarms.no_data_after: is not more than the time between two checks (monitoring.schedule, 60 minutes), which measure it ...
    """
    alarms, every = pipeline.alarms, schedule_minutes(pipeline.monitoring.schedule)
    found: list[Finding] = [
        (
            ("alarms", name),
            f"is not more than the time between two checks (monitoring.schedule, {every} minutes), which measure it",
        )
        for name in ("no_data_after", "no_predictions_after")
        if (after := getattr(alarms, name)) and every and 60 * hours(after) <= every
    ]
    if alarms.latency_p50_ms and alarms.latency_p99_ms and alarms.latency_p50_ms > alarms.latency_p99_ms:
        found.append(
            (("alarms", "latency_p50_ms"), "is more than latency_p99_ms, which then goes off first, always")
        )
    if not alarms.has("DriftAlarm") and "drift" in pipeline.retraining.on:
        found.append(
            (("alarms", "leave_out"), "names DriftAlarm, which starts the trainings of retraining.on: drift")
        )
    return found
