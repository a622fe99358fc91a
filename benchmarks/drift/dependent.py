"""False alarms between rows that resemble their neighbours: twenty AR(1) series in which nothing changes."""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.drift.calibrated import Reference
from benchmarks.drift.twenty_columns import Frame
from headrace.ml.column_schema import ColumnSchema

COLUMNS = 20

_PHI = 0.8
_RATE = 0.05
_REPETITIONS = 60
SCHEMA = [ColumnSchema(f"series_{index}", "number") for index in range(COLUMNS)]


def wander(rng: np.random.Generator, rows: int, phi: float) -> Frame:
    """Return twenty independent AR(1) series: each row is `phi` times the one before, plus noise."""
    noise = rng.normal(size=(rows + 500, COLUMNS))
    series = noise.copy()
    for row in range(1, len(series)):
        series[row] += phi * series[row - 1]
    return {column.name: series[500:, index] for index, column in enumerate(SCHEMA)}


def measure() -> dict[str, float]:
    """Return the share of windows that are flagged at 5 % in any of twenty columns."""
    print(f"autocorrelated rows, phi {_PHI} …", file=sys.stderr)
    rate = false_alarm_rate(_PHI, rate=_RATE, repetitions=_REPETITIONS)
    return {"autocorrelated_false_alarm": round(rate, 3)}


def false_alarm_rate(phi: float, *, rate: float, repetitions: int, reference_rows: int = 10_000) -> float:
    """Return the share of windows of a tenth of the rows that are flagged: the rows after the reference's."""
    flagged = 0
    for seed in range(repetitions):
        rng = np.random.default_rng([int(phi * 100), seed])
        series = wander(rng, reference_rows + 20 * reference_rows // 10, phi)
        reference = Reference.of({name: cells[:reference_rows] for name, cells in series.items()}, SCHEMA)
        window = {name: cells[-reference_rows // 10 :] for name, cells in series.items()}
        flagged += bool(reference.flagged(window, rate))
    return flagged / repetitions
