"""Repair: retries wait as long as AWS's do, and error names match as AWS's do."""

from __future__ import annotations

import random
from typing import Any

from ministack.services import stepfunctions

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_LONGEST_WAIT_OF_EMULATOR_S = 60.0
# "States.ALL" does not stand for these; they are caught by name or not at all.
_NOT_IN_ALL = ("States.DataLimitExceeded", "States.Runtime")


def install(settings: Settings) -> None:
    """Wait with ``MaxDelaySeconds`` and jitter, and match errors."""
    replace(stepfunctions, "_error_matches", "error_equals error", lambda original: error_matches)
    replace(stepfunctions, "_find_matching_retrier", "retriers error retry_counts", _with_delay)


def error_matches(error_equals: list[str], error: str) -> bool:
    """Tell whether a retrier's or catcher's ``ErrorEquals`` covers an error.

    >>> error_matches(["States.ALL"], "States.Runtime"), error_matches(["States.TaskFailed"], "MyError")
    (False, True)
    """
    if error in error_equals:
        return True
    if error == "States.HeartbeatTimeout" and "States.Timeout" in error_equals:
        return True
    if error in _NOT_IN_ALL:
        return False
    timed_out = error in ("States.Timeout", "States.HeartbeatTimeout")
    return "States.ALL" in error_equals or ("States.TaskFailed" in error_equals and not timed_out)


def _with_delay(original: Any) -> Any:
    def find_matching_retrier(
        retriers: list[dict[str, Any]], error: str, retry_counts: dict[int, int]
    ) -> tuple[dict[str, Any] | None, int]:
        retrier, index = original(retriers, error, retry_counts)
        if retrier is None:
            return None, index
        delay_s = retry_delay_s(retrier, retry_counts.get(index, 0))
        # The emulator never waits longer than a minute; the rest is waited for here.
        stepfunctions._scaled_sleep(max(0.0, delay_s - _LONGEST_WAIT_OF_EMULATOR_S))
        return {**retrier, "IntervalSeconds": delay_s, "BackoffRate": 1}, index

    return find_matching_retrier


def retry_delay_s(retrier: dict[str, Any], retries: int) -> float:
    """Return how long to wait before the next retry, in seconds.

    >>> retrier = {"IntervalSeconds": 3, "BackoffRate": 2, "MaxDelaySeconds": 10}
    >>> [retry_delay_s(retrier, retries) for retries in range(4)]
    [3.0, 6.0, 10.0, 10.0]
    """
    delay_s = float(retrier.get("IntervalSeconds", 1)) * float(retrier.get("BackoffRate", 2.0)) ** retries
    delay_s = min(delay_s, float(retrier.get("MaxDelaySeconds", delay_s)))
    if retrier.get("JitterStrategy") == "FULL":
        return random.uniform(0, delay_s)
    return delay_s
