"""How fast drift is found, how often when there is none, and how surely when there is: `make bench-drift`.

Ends in one line of JSON. With ``--evidently`` also Evidently's time, if it is installed.
"""

from __future__ import annotations

import argparse
import json

from benchmarks.drift import estimated, evidently_extra, mistakes, speed

PARTS = (speed, estimated, mistakes)


def main() -> None:
    """Measure part after part, and print all figures as one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evidently", action="store_true", help="measure Evidently too, if it is installed")
    chosen = parser.parse_args()
    parts = (*PARTS, evidently_extra) if chosen.evidently else PARTS
    print(json.dumps({name: figure for part in parts for name, figure in part.measure().items()}))


if __name__ == "__main__":
    main()
