"""How fast drift is found, how often when there is none, and how surely when there is: `make bench-drift`.

Ends in one line of JSON. With ``--evidently`` also Evidently's time, if it is installed; with ``--data FOLDER`` also what
public data sets show: ``make bench-drift DATA=FOLDER``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.drift import (
    dependent,
    estimated,
    evidently_extra,
    mistakes,
    real_data,
    regimes,
    relevance,
    speed,
)

PARTS = (speed.measure, regimes.measure, dependent.measure, relevance.measure, mistakes.measure)
PARTS_ON_DATA = (estimated.measure, real_data.measure)


def main() -> None:
    """Measure part after part, and print all figures as one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evidently", action="store_true", help="measure Evidently too, if it is installed")
    parser.add_argument(
        "--data", type=_folder, help="folder of public data sets: benchmarks/drift/real_data.py names them"
    )
    chosen = parser.parse_args()
    figures: dict[str, Any] = {}
    for part in (*PARTS, evidently_extra.measure) if chosen.evidently else PARTS:
        figures |= part()
    for part_on_data in PARTS_ON_DATA:
        figures |= part_on_data(chosen.data)
    print(json.dumps(figures))


def _folder(name: str) -> Path:
    if not (folder := Path(name)).is_dir():
        raise argparse.ArgumentTypeError(f"{name} is no folder")
    return folder


if __name__ == "__main__":
    main()
