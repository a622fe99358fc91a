"""How fast drift is found, how often when there is none, and how surely when there is: `make bench-drift`.

Ends in one line of JSON. With ``--evidently`` also Evidently's time, if it is installed; with ``--data FOLDER`` also what
public data sets show.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

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

PARTS = (speed, regimes, dependent, relevance, estimated, mistakes)


def main() -> None:
    """Measure part after part, and print all figures as one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evidently", action="store_true", help="measure Evidently too, if it is installed")
    parser.add_argument(
        "--data", type=Path, help="folder of public data sets: benchmarks/drift/real_data.py names them"
    )
    chosen = parser.parse_args()
    parts = (*PARTS, evidently_extra) if chosen.evidently else PARTS
    figures = {name: figure for part in parts for name, figure in part.measure().items()}
    print(json.dumps(figures | real_data.measure(chosen.data)))


if __name__ == "__main__":
    main()
