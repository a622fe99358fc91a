"""Cuts a file into parts for many executors: text by ranges of bytes, Parquet by row groups."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from glue_jobs.clean_file.work import accepted, survey_groups, survey_piece
from headrace.aws.large_files import LargeFileOrder
from headrace.aws.object_bytes import ObjectBytes
from headrace.ml.file_contract import rows_needed
from headrace.ml.files.ranges import Copy, pieces
from headrace.ml.files.small import head_of
from headrace.ml.files.split_file import SplitFile, dialect_of, first_rows_of, split_file
from headrace.ml.files.split_parquet import TAIL, SplitParquet, footer_place, is_parquet, split_parquet
from headrace.ml.text_table import TextTable

if TYPE_CHECKING:
    from pyspark import SparkContext

_MB = 2**20
_LEAST_PIECE, _MOST_PIECE = _MB, 64 * _MB
_PIECES = 16
_HEAD = 32 * _MB
_START = 16


@dataclass(frozen=True)
class Cut:
    """A file in parts, and its first rows."""

    split: SplitFile | SplitParquet
    first_rows: TextTable


def cut_file(context: SparkContext, order: LargeFileOrder, source: ObjectBytes, size: int) -> Cut | None:
    """Cut a file of `size` bytes, or return None if only one machine can read it.

    Raises
    ------
    FileRefusedError
        If what was looked at shows that the file cannot be taken.
    """
    cut = _cut_parquet if is_parquet(source.read(0, _START), order.options) else _cut_text
    with tempfile.TemporaryDirectory() as scratch:
        return cut(context, order, source, size, Path(scratch))


def piece_bytes(size: int) -> int:
    """Return how much one task reads of a file: the same for the same file, however many machines there are.

    Examples
    --------
    >>> piece_bytes(10_000), piece_bytes(2**28), piece_bytes(2**36)
    (1048576, 16777216, 67108864)
    """
    return min(max(-(-size // _PIECES), _LEAST_PIECE), _MOST_PIECE)


def _cut_text(
    context: SparkContext, order: LargeFileOrder, source: ObjectBytes, size: int, scratch: Path
) -> Cut | None:
    head = scratch / "head"
    source.fetch(head, 0, min(size, _HEAD))
    dialect = dialect_of(head, scratch, order.options)
    if dialect is None:
        return None
    cut = pieces(size, piece_bytes(size))
    surveys = context.parallelize(cut, len(cut)).map(partial(survey_piece, order, dialect)).collect()
    split = split_file(head, [accepted(each) for each in surveys if each], dialect, order.options)
    return Cut(split, _first_rows(split, source, size, order, head))


def _first_rows(
    split: SplitFile, source: ObjectBytes, size: int, order: LargeFileOrder, head: Path
) -> TextTable:
    """Return the first rows, from as much of the file as holds enough of them."""
    length, needed = min(size, _HEAD), rows_needed(order.contract)
    while (rows := first_rows_of(split.table(0, head), needed, is_whole=length == size)) is None:
        length = min(size, 2 * length)
        source.fetch(head, 0, length)
    return rows


def _cut_parquet(
    context: SparkContext, order: LargeFileOrder, source: ObjectBytes, size: int, scratch: Path
) -> Cut | None:
    path, footer = scratch / "groups", footer_place(source.read(max(0, size - TAIL), size), size)
    source.copy(path, [Copy(footer, footer.start)])
    split = split_parquet(path, footer, piece_bytes(size), order.options)
    if split is None:
        return None
    numbers = context.parallelize(range(split.count), split.count)
    surveys = numbers.map(partial(survey_groups, order, split)).collect()
    split = split.with_pages([accepted(each) for each in surveys])
    needed = rows_needed(order.contract)
    head = split.head(needed)
    source.copy(path, head.copies(0))
    return Cut(split, head_of(head.table(0, path), rows=needed))
