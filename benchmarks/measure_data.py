"""What taking in data costs: one large file, and a thousand at once. `make bench-data`; ends in one line of JSON."""

from __future__ import annotations

import json

from benchmarks import measure_cleaning, measure_many_files


def main() -> None:
    """Measure one after the other, and print all figures as one line."""
    print(json.dumps({**measure_cleaning.measure(), **measure_many_files.measure()}))


if __name__ == "__main__":
    main()
