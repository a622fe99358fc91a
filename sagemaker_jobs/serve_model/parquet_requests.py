"""Reads requests that are Parquet files, within the bounds of files that are dropped. Loads Arrow, and so is loaded late."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headrace.ml.files.options import ReadOptions
from headrace.ml.files.parquet_file import ParquetFile
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.text_table import united
from sagemaker_jobs.serve_model.requests import RequestError, RequestTooLargeError

_MAGIC = b"PAR1"
_LIMITS = ReadOptions(max_mb=64, limit="what a request may hold")


def read_parquet(body: bytes) -> dict[str, Sequence[Any]]:
    """Return the cells of a Parquet file by column, as text; None where there is none.

    Raises
    ------
    RequestTooLargeError
        If it unpacks to more than 64 MB.
    RequestError
        If it is damaged, encrypted or has nested columns.
    """
    if not body.startswith(_MAGIC):
        raise RequestError("the body is no Parquet file")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "request.parquet"
        path.write_bytes(body)
        try:
            table = united(ParquetFile.look_at(path, _LIMITS).blocks())
        except FileRefusedError as error:
            too_large = error.reason is FileReason.TOO_LARGE
            raise (RequestTooLargeError if too_large else RequestError)(error.why) from None
    return {name: table.cells.column(name).to_pylist() for name in table.cells.column_names}
