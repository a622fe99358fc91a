"""Evidently's data drift preset on the same columns, fewer rows: it takes minutes on a million."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time

import pandas as pd

from benchmarks.drift.columns import window

_ROWS, _NUMBERS = 100_000, 50


def measure() -> dict[str, float]:
    """Return its seconds; nothing if it is not installed."""
    if importlib.util.find_spec("evidently") is None:
        print("Evidently is not installed: pip install evidently 'pandas<3'", file=sys.stderr)
        return {}
    print(f"Evidently on {_ROWS} rows of {_NUMBERS} numbers …", file=sys.stderr)
    library, presets = (importlib.import_module(name) for name in ("evidently", "evidently.presets"))
    reference, current = (pd.DataFrame(window(_NUMBERS, 0, _ROWS, seed)) for seed in (1, 2))
    began = time.perf_counter()
    library.Report([presets.DataDriftPreset()]).run(current, reference).dict()
    return {"seconds_evidently_100k_x_50": round(time.perf_counter() - began, 2)}
