"""How large a move must be: a normal column among twenty, at the rate of false alarms of 5 % in any of them."""

from __future__ import annotations

import sys

import numpy as np

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.drift import compare, share_of_rate
from headrace.ml.profile import profile_frame

_SCHEMA = [ColumnSchema("temp", "number")]
_RATE = share_of_rate(0.05, 1, 20)
_CASES = (("alarm_rate_0_02sd_1m", 1_000_000, 0.02, 20), ("alarm_rate_0_10sd_10k", 10_000, 0.10, 400))


def measure() -> dict[str, float]:
    """Return how often a shift of 0.02 standard deviations of a million rows, and one of 0.10 of ten thousand, is flagged."""
    print("small moves of many rows …", file=sys.stderr)
    return {name: alarm_rate(rows, shift, repetitions) for name, rows, shift, repetitions in _CASES}


def alarm_rate(rows: int, shift: float, repetitions: int) -> float:
    """Return the share of windows, as long as the reference, that are flagged."""
    flagged = 0
    for seed in range(repetitions):
        rng = np.random.default_rng([rows, seed])
        reference = profile_frame({"temp": rng.normal(size=rows)}, _SCHEMA)
        window = profile_frame({"temp": rng.normal(shift, 1.0, rows)}, _SCHEMA, like=reference)
        flagged += compare(reference, window, false_alarm_rate=_RATE).drifted
    return flagged / repetitions
