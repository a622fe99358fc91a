"""How often equal models are told apart, how soon a winner is found, how often a good canary is withdrawn: `make bench-releases`.

Simulated releases over many seeds, without an endpoint. Ends in one line of JSON.
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.releases import equals, estimates, shadows, shifts, winners

PARTS = (equals.measure, winners.measure, shadows.measure, shifts.measure, estimates.measure)


def main() -> None:
    """Measure part after part, and print all figures as one line."""
    figures: dict[str, Any] = {}
    for part in PARTS:
        figures |= part()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
