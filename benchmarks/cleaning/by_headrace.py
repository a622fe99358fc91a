"""What the ingestion does with a file, without AWS: `python -m benchmarks.cleaning.by_headrace FILE FOLDER`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.cleaning.columns import ID, TARGET, TIME
from headrace.ml.clean_file import clean_file
from headrace.ml.contract import Fields, infer_contract
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.small import head_of
from headrace.ml.files.table_file import open_table

_LARGEST_MB = 10_000


def main(source: Path, folder: Path) -> dict[str, int]:
    """Open the file, infer its contract, clean it against that, write Parquet and the refused rows."""
    file = open_table(source, folder, ReadOptions(max_mb=_LARGEST_MB))
    contract = infer_contract(head_of(file), Fields("binary", TARGET, id=ID, time=TIME))
    cleaned = clean_file(file, contract, folder)
    return {"accepted": cleaned.rows, "quarantined": cleaned.summary.rows}


if __name__ == "__main__":
    started = time.perf_counter()
    counts = main(Path(sys.argv[1]), Path(sys.argv[2]))
    print(json.dumps({"seconds": time.perf_counter() - started, "counts": counts}))
