"""What hostile files cost, and whether clean ones are refused: one process for each file; ends in one line of JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hostile_files.catalogue import FAULTS
from tests.hostile_files.clean import CLEAN
from tests.hostile_files.faults import Fault

_LONGEST_S = 60


@dataclass(frozen=True)
class Taken:
    """What became of one file.

    Parameters
    ----------
    name : str
        Which.
    verdict : str
        What was said of it.
    right : bool
        Whether that is what should be said.
    seconds : float
        From opening to the last row cleaned.
    peak_mb : float
        Largest resident memory of the process, with its libraries.
    """

    name: str
    verdict: str
    right: bool
    seconds: float
    peak_mb: float


def measure() -> dict[str, Any]:
    """Take in every hostile file and every clean one, and sum up."""
    with tempfile.TemporaryDirectory(prefix="headrace-hostile-") as folder:
        hostile = [_take(name, fault, Path(folder)) for name, fault in FAULTS.items()]
        clean = [_take(name, fault, Path(folder)) for name, fault in CLEAN.items()]
    for each in (*hostile, *clean):
        if not each.right:
            print(f"{each.name}: {each.verdict}")
    heaviest = max(hostile, key=lambda each: each.peak_mb)
    slowest = max(hostile, key=lambda each: each.seconds)
    return {
        "faults": len(hostile),
        "right_verdicts": sum(each.right for each in hostile),
        "most_memory_mb": round(heaviest.peak_mb),
        "most_memory": heaviest.name,
        "longest_s": round(slowest.seconds, 2),
        "longest": slowest.name,
        "clean_files": len(clean),
        "clean_refused": sum(not each.right for each in clean),
    }


def _take(name: str, fault: Fault, folder: Path) -> Taken:
    path = folder / "dropped"
    path.write_bytes(fault.make())
    about = json.dumps({"first": fault.first, "corpus": fault.corpus, "key": fault.key})
    command = [sys.executable, "-m", "tests.hostile_files.taking", str(path), about]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST_S)
        found: dict[str, Any] = (
            json.loads(done.stdout) if done.returncode == 0 else {"verdict": done.stderr[-200:]}
        )
    except subprocess.TimeoutExpired:
        found = {"verdict": "it never ends"}
    verdict = str(found["verdict"])
    return Taken(
        name, verdict, verdict == fault.verdict, found.get("seconds", _LONGEST_S), found.get("peak_mb", 0.0)
    )


if __name__ == "__main__":
    print(json.dumps(measure()))
