"""How soon more mistakes are found, and how often they are found where there are none. Ends in one line of JSON.

Streams of 10,000 labelled predictions of which 20 % are mistakes, as expected; or from the middle on more of them.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.quality.concept import ConceptWatch
from headrace.ml.quality.evidence import Expectation, Mistakes

_LENGTH, _PIECE, _RATE = 10_000, 10, 0.2
_TIMES = np.datetime64("2026-01-31T00:00:00") + np.arange(_LENGTH)


def measure(streams: int = 200, reference_rows: int = 10**8) -> dict[str, float]:
    """Measure the share of streams with a false alarm, delays and time.

    Parameters
    ----------
    streams : int
        For false alarms; a quarter of them for each delay.
    reference_rows : int
        Rows from which the usual rate is known.
    """
    rng = np.random.default_rng(0)
    started = time.perf_counter()
    alarms = [
        _alarm_after(rng, np.full(_LENGTH, _RATE), reference_rows, _LENGTH) is not None
        for _ in range(streams)
    ]
    microseconds = 1e6 * (time.perf_counter() - started) / (streams * _LENGTH)
    found = {"concept_false_alarms": float(np.mean(alarms)), "concept_us_per_item": round(microseconds, 3)}
    for rate in (0.25, 0.3, 0.4):
        rates = np.where(np.arange(_LENGTH) < _LENGTH // 2, _RATE, rate)
        ends = [_alarm_after(rng, rates, reference_rows, _PIECE) for _ in range(streams // 4)]
        delays = np.array([end - _LENGTH // 2 for end in ends if end is not None and end > _LENGTH // 2])
        found[f"concept_delay_{rate:.2f}"] = float(np.median(delays))
        found[f"concept_found_{rate:.2f}"] = len(delays) / len(ends)
    return found


def _alarm_after(rng: np.random.Generator, rates: Floats, reference_rows: int, piece: int) -> int | None:
    """Return after how many predictions the alarm goes off, looked at after every `piece`."""
    usual = rng.binomial(reference_rows, _RATE) / reference_rows
    expectation = Expectation(usual, reference_rows * usual * (1 - usual))
    wrong = (rng.random(_LENGTH) < rates).astype(np.float64)
    mistakes, watch = Mistakes(wrong, np.full(_LENGTH, usual), _TIMES), ConceptWatch()
    for start in range(0, _LENGTH, piece):
        watch = watch.following(expectation, mistakes[start : start + piece])
        if watch.drifted:
            return start + piece
    return None


def main() -> None:
    """Print all figures as one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--reference-rows", type=int, default=10**8)
    chosen = parser.parse_args()
    print(json.dumps(measure(chosen.streams, chosen.reference_rows)))


if __name__ == "__main__":
    main()
