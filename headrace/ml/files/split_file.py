"""Large text files as many tables, one for each byte range, whose rows together are those of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headrace.ml.files.csv_file import CsvFile
from headrace.ml.files.json_file import JsonFile
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.ranges import ByteRange, Copy, Dialect, Survey, row_ranges, united_facts
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.small import head_of
from headrace.ml.files.table_file import TableFile, open_table
from headrace.ml.files.text_file import TextFile, encoding_without_mark
from headrace.ml.text_table import TextTable

_ASCII_BYTES = ("utf-8", "utf-8-sig", "cp1252", "latin-1")
"""Encodings in which line breaks and quotes are the bytes that they are in ASCII, and never part of another letter."""


@dataclass(frozen=True)
class SplitFile:
    """A file that many read at the same time.

    Parameters
    ----------
    ranges : tuple of ByteRange
        Where its parts are; the first has the header.
    first : CsvFile or JsonFile
        How its first part is read.
    """

    ranges: tuple[ByteRange, ...]
    first: CsvFile | JsonFile

    @property
    def names(self) -> list[str]:
        """The columns of the file."""
        return self.first.names

    @property
    def count(self) -> int:
        """How many parts it has."""
        return len(self.ranges)

    def copies(self, index: int) -> tuple[Copy, ...]:
        """Return which bytes `table` needs of one part, and where."""
        return (Copy(self.ranges[index]),)

    def table(self, index: int, path: Path) -> TableFile:
        """Return one part, whose bytes lie at `path`. Its rows are numbered from 1."""
        if index == 0:
            return _at(self.first, path)
        later = _at(self.first, path, encoding=self.first.text.encoding.removesuffix("-sig"))
        return replace(later, blank_lines=0, has_header=False) if isinstance(later, CsvFile) else later


def dialect_of(head: Path, scratch: Path, options: ReadOptions) -> Dialect | None:
    """Return what separates the cells of a file by its first bytes, or None if only one machine can read it.

    That is so for packed files, workbooks, columnar files, lists in JSON, encodings of two bytes a letter, and whatever
    is going to be refused.
    """
    if options.encoding not in (None, "utf-8"):
        return None
    try:
        table = open_table(head, scratch, options)
    except FileRefusedError:
        return None
    if not isinstance(table, CsvFile | JsonFile) or not _is_splittable(table.text):
        return None
    if isinstance(table, CsvFile):
        return Dialect(table.delimiter, table.quote)
    return None if table.is_list else Dialect("", "")


def split_file(head: Path, surveys: Sequence[Survey], dialect: Dialect, options: ReadOptions) -> SplitFile:
    """Return the parts of a file that was surveyed.

    Parameters
    ----------
    head : Path
        The first megabytes of the file.
    surveys : sequence of Survey
        Of all pieces, in order.
    dialect : Dialect
        As the surveys were made with.
    options : ReadOptions
        Limits.

    Raises
    ------
    FileRefusedError
        If it is no text, not in the encoding that the options name, has no usable header or an endless line.
    """
    facts = united_facts(surveys)
    encoding = encoding_without_mark(facts)
    if options.encoding and encoding != options.encoding:
        raise FileRefusedError(FileReason.ENCODING, f"the file is not {options.encoding} text")
    if encoding == "utf-8" and head.read_bytes()[:3] == b"\xef\xbb\xbf":
        encoding = "utf-8-sig"
    text = TextFile(head, encoding, quoted=facts.quoted, old_line_ends=False)
    kind = CsvFile if dialect.delimiter else JsonFile
    return SplitFile(tuple(row_ranges(surveys, options)), kind.look_at(text, options))


def first_rows_of(file: TableFile, rows: int, *, is_whole: bool) -> TextTable | None:
    """Return about so many first rows of a file, or None if this beginning of it has not enough of them."""
    try:
        head = head_of(file, rows=rows)
    except FileRefusedError:
        if is_whole:
            raise
        return None  # the beginning may end within quotes
    return head if is_whole or head.rows >= rows else None


def _is_splittable(text: TextFile) -> bool:
    return text.encoding in _ASCII_BYTES and not text.old_line_ends


def _at(table: CsvFile | JsonFile, path: Path, **changes: str) -> CsvFile | JsonFile:
    text = replace(table.text, path=path, **changes)  # type: ignore[arg-type]
    return replace(table, text=text)
