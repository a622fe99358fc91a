"""How long a check of a million rows takes, and how much memory beyond these; beside it SciPy's test on the same rows."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

from benchmarks.drift.columns import numbers, schema, window
from headrace.ml.drift import compare
from headrace.ml.profile import Profile, profile_frame

_ROWS = 1_000_000
_REFERENCE_SEED, _WINDOW_SEED = 1, 2
_SIGNIFICANCE = 0.05
_MOVED, _STEP = 0, 0.3
"""The column that has moved, by a tenth of its standard deviation: both must see it."""
_KB_PER_MB, _BYTES_PER_MB = 1024, 2**20
_IMPORT = (
    "import time; began = time.perf_counter(); import headrace.ml.drift; print(time.perf_counter() - began)"
)


def measure() -> dict[str, Any]:
    """Measure each mix of columns in a process of its own."""
    figures = _in_process(50, 0, True)
    mixed = _in_process(40, 10, False)
    return {
        "seconds_1m_x_50": round(figures["seconds"], 2),
        "memory_above_window_mb": round(figures["memory_mb"], 1),
        "speedup_vs_scipy": round(figures["scipy_cpu_seconds"] / figures["cpu_seconds"], 1),
        "cpu_seconds_1m_x_50": round(figures["cpu_seconds"], 2),
        "cpu_seconds_scipy": round(figures["scipy_cpu_seconds"], 2),
        "seconds_1m_x_40_10": round(mixed["seconds"], 2),
        "memory_above_window_40_10_mb": round(mixed["memory_mb"], 1),
        "profile_kb_per_column": round(figures["profile_bytes"] / 1000 / 50, 1),
        "import_seconds": round(min(_import_seconds() for _ in range(3)), 2),
    }


def _in_process(numeric: int, categorical: int, with_scipy: bool) -> dict[str, float]:
    print(f"profiling {_ROWS} rows of {numeric} numbers and {categorical} categories …", file=sys.stderr)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(check, (numeric, categorical, with_scipy))


def check(numeric: int, categorical: int, with_scipy: bool) -> dict[str, float]:
    """Check a window against a stored profile, and return seconds, megabytes and bytes of the profile."""
    columns = schema(numeric, categorical)
    stored = json.dumps(
        profile_frame(window(numeric, categorical, _ROWS, _REFERENCE_SEED), columns, jointly=True).as_dict()
    )
    rows = window(numeric, categorical, _ROWS, _WINDOW_SEED)
    rows[f"number_{_MOVED}"] += _STEP
    before_mb = _reset_peak_mb()
    began, cpu = time.perf_counter(), time.process_time()
    reference = Profile.from_dict(json.loads(stored))
    report = compare(reference, profile_frame(rows, columns, like=reference))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    memory_mb = max(_status_mb("VmHWM") - before_mb, _allocated_mb(rows, numeric, categorical, reference))
    if [feature.name for feature in report.features if feature.drifted] != [f"number_{_MOVED}"]:
        raise SystemExit("the check does not name the one column that has moved")
    figures = {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "memory_mb": memory_mb,
        "profile_bytes": float(len(stored)),
    }
    return figures | ({"scipy_cpu_seconds": _scipy_cpu_seconds(rows, numeric)} if with_scipy else {})


def _allocated_mb(rows: dict[str, Any], numeric: int, categorical: int, reference: Profile) -> float:
    """Return the peak of what a profile allocates: what the process had free before counts too."""
    tracemalloc.start()
    profile_frame(rows, schema(numeric, categorical), like=reference)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / _BYTES_PER_MB


def _scipy_cpu_seconds(rows: dict[str, Any], numeric: int) -> float:
    """Return the processor's seconds for SciPy's Kolmogorov-Smirnov tests, with as many reference rows as there are rows."""
    from scipy.stats import ks_2samp  # noqa: PLC0415 - not before memory has been measured

    print("the same by SciPy …", file=sys.stderr)
    seconds, found = 0.0, []
    for place in range(numeric):
        reference = numbers(place, _ROWS, _REFERENCE_SEED)
        began = time.process_time()
        p_value = ks_2samp(reference, rows[f"number_{place}"]).pvalue
        seconds += time.process_time() - began
        found += [place] if p_value < _SIGNIFICANCE / numeric else []
    if _MOVED not in found:
        raise SystemExit("SciPy's test does not find the column that has moved")
    return seconds


def _reset_peak_mb() -> float:
    """Forget the peak of memory so far, and return what is in use now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status_mb("VmRSS")


def _status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / _KB_PER_MB


def _import_seconds() -> float:
    done = subprocess.run([sys.executable, "-c", _IMPORT], check=True, capture_output=True, text=True)
    return float(done.stdout)
