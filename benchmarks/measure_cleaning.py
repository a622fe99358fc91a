"""How fast, and in how much memory, a million rows are cleaned, beside the same steps in pandas; ends in one line of JSON."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROWS = 1_000_000
_GROWTH = 10
_RUNS = 3
_KB_PER_MB = 1024


@dataclass(frozen=True)
class Run:
    """One cleaning in a process of its own.

    Parameters
    ----------
    seconds : float
        Of the cleaning, once the libraries are loaded.
    peak_mb : float
        Largest resident memory.
    counts : dict of str to int
        Rows accepted and quarantined.
    """

    seconds: float
    peak_mb: float
    counts: dict[str, int]


def measure() -> dict[str, Any]:
    """Clean a million rows by both ways in turn, then ten times as many by ours, and compare."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        small, large = Path(folder) / "small.csv", Path(folder) / "large.csv"
        _write(small, _ROWS)
        pairs = [(run("by_headrace", small), run("by_pandas", small)) for _ in range(_RUNS)]
        _write(large, _GROWTH * _ROWS)
        grown = run("by_headrace", large)
    ours, theirs = ([pair[place] for pair in pairs] for place in (0, 1))
    if any(our.counts != their.counts for our, their in pairs):
        raise SystemExit(f"the two ways disagree: {ours[0].counts}, {theirs[0].counts}")
    seconds = statistics.median(each.seconds for each in ours)
    return {
        "rows": _ROWS,
        "quarantined": ours[0].counts["quarantined"],
        "rows_per_second": round(_ROWS / seconds),
        "speedup_vs_pandas": _ratio(theirs, ours, "seconds"),
        "peak_memory_mb": round(statistics.median(each.peak_mb for each in ours)),
        "peak_memory_vs_pandas": _ratio(ours, theirs, "peak_mb"),
        "memory_growth_10x": round(grown.peak_mb / statistics.median(each.peak_mb for each in ours), 2),
    }


def run(module: str, source: Path) -> Run:
    """Clean `source` by one way, in a new process."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder, tempfile.TemporaryFile() as output:
        command = [sys.executable, "-m", f"benchmarks.cleaning.{module}", str(source), folder]
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{module} failed")
        output.seek(0)
        said = json.loads(output.read())
        return Run(said["seconds"], usage.ru_maxrss / _KB_PER_MB, said["counts"])


def _write(path: Path, rows: int) -> None:
    """Write the table in another process: a child's peak memory counts what its parent had when it was made."""
    subprocess.run([sys.executable, "-m", "benchmarks.cleaning.table", str(path), str(rows)], check=True)


def _ratio(above: list[Run], below: list[Run], figure: str) -> float:
    """Return the median ratio of runs that followed each other: the machine may be faster at one time than at another."""
    ratios = [getattr(a, figure) / getattr(b, figure) for a, b in zip(above, below, strict=True)]
    return float(round(statistics.median(ratios), 2))


if __name__ == "__main__":
    print(json.dumps(measure()))
