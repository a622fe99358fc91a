"""Reads requests that are Parquet files, within the bounds of files that are dropped: the program of a process of its own.

It takes bodies from standard input and writes their cells to standard output, as JSON, each with its length before it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from headrace.ml.files.options import ReadOptions
from headrace.ml.files.parquet_file import ParquetFile
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.text_table import united
from sagemaker_jobs.serve_model.framing import read_frame, write_frame
from sagemaker_jobs.serve_model.parquet_reader import DAMAGED

_MAGIC = b"PAR1"
_LIMITS = ReadOptions(max_mb=32, limit="what a request may hold")


def read_parquet(body: bytes) -> dict[str, Any]:
    """Return the cells of a Parquet file by column, as text, under ``cells``; or why not, under ``refused``.

    Examples
    --------
    >>> read_parquet(b"temp,hr")
    {'refused': 'the body is no Parquet file', 'too_large': False}
    """
    if not body.startswith(_MAGIC):
        return {"refused": "the body is no Parquet file", "too_large": False}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "request.parquet"
        path.write_bytes(body)
        try:
            table = united(ParquetFile.look_at(path, _LIMITS).blocks())
        except FileRefusedError as error:
            if error.reason is FileReason.DAMAGED:
                return dict(DAMAGED)  # a file that is dropped would be dropped again
            return {"refused": error.why, "too_large": error.reason is FileReason.TOO_LARGE}
    return {"cells": {name: table.cells.column(name).to_pylist() for name in table.cells.column_names}}


def main(requests: BinaryIO, answers: BinaryIO) -> None:
    """Read bodies until there are no more."""
    while (body := read_frame(requests)) is not None:
        write_frame(answers, orjson.dumps(read_parquet(body)))


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
