"""CSV files, whatever separates their cells, as blocks of text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from headrace.ml.cells import as_datetimes, as_numbers
from headrace.ml.files.column_names import column_names
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.text_file import TextFile
from headrace.ml.text_table import TextTable
from headrace.ml.words import MISSING_TOKENS, spellings

_DELIMITERS = ",;\t|"
_LONGEST_HEADER = 2**20
_MOST_BROKEN = 50_000
_MOST_BLANK_LINES = 10_000
_SINGLE_QUOTED = re.compile(r"'[^']*'( *[,;\t|] *'[^']*')+")
_NULLS = spellings(MISSING_TOKENS)


@dataclass(frozen=True)
class CsvFile:
    """A CSV file whose first line was read.

    Parameters
    ----------
    text : TextFile
        The file.
    names : list of str
        Its columns.
    delimiter, quote : str
        What stands between cells, and around some of them.
    blank_lines : int
        Lines before the first that is not blank.
    has_header : bool
        Whether that line names the columns.
    header_alone : bool
        Whether the file ends with them.
    options : ReadOptions
        Limits.
    """

    text: TextFile
    names: list[str]
    delimiter: str
    quote: str
    blank_lines: int
    has_header: bool
    header_alone: bool
    options: ReadOptions

    @classmethod
    def look_at(cls, text: TextFile, options: ReadOptions) -> CsvFile:
        """Find out delimiter, quotes and column names.

        Raises
        ------
        FileRefusedError
            If the first line is longer than a megabyte, or its names are not usable.
        """
        blank_lines, line = _first_line(text)
        ended, line = line.endswith("\n"), line.rstrip("\r\n")
        quote = "'" if _SINGLE_QUOTED.fullmatch(line.strip()) else '"'
        delimiter = max(_DELIMITERS, key=re.sub(f"{quote}[^{quote}]*{quote}", "", line).count)
        cells = _cells(line, delimiter, quote)
        has_header = not _is_a_row(cells, options)
        names = column_names(cells, options) if has_header else list(options.columns)
        alone = has_header and not ended
        return cls(text, names, delimiter, quote, blank_lines, has_header, alone, options)

    def blocks(self) -> Iterator[TextTable]:
        """Yield the rows, block by block; missing cells are null.

        Raises
        ------
        FileRefusedError
            If quotes are never closed, or a line is longer than a block.
        """
        broken: dict[int, str] = {}
        first = 0 if self.has_header else 1
        if self.header_alone:
            return
        with self.text.open() as stream:
            start = 1
            for batch in self._batches(stream, broken, first):
                block, start = _numbered(pa.Table.from_batches([batch]), start, broken)
                yield block
            if broken:
                empty = pa.table({name: pa.array([], pa.string()) for name in self.names})
                yield TextTable(empty, np.array([], dtype=np.int64), dict(broken))

    def _batches(self, stream: BinaryIO, broken: dict[int, str], first: int) -> Iterator[pa.RecordBatch]:
        def keep_broken(row: pacsv.InvalidRow) -> str:
            broken[row.number - 1 + first] = row.text
            return "skip" if len(broken) <= _MOST_BROKEN else "error"

        try:
            yield from pacsv.open_csv(
                stream,
                # One thread: only then are the rows numbered.
                pacsv.ReadOptions(
                    use_threads=False,
                    column_names=self.names,
                    skip_rows=self.blank_lines,
                    skip_rows_after_names=int(self.has_header),
                    block_size=self.options.block_bytes,
                ),
                pacsv.ParseOptions(
                    delimiter=self.delimiter,
                    quote_char=self.quote,
                    newlines_in_values=self.text.quoted or self.quote != '"',
                    invalid_row_handler=keep_broken,
                ),
                pacsv.ConvertOptions(
                    column_types=dict.fromkeys(self.names, pa.string()),
                    null_values=_NULLS,
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV" not in str(error):
                raise _refusal(str(error), broken) from None


def _numbered(cells: pa.Table, start: int, broken: dict[int, str]) -> tuple[TextTable, int]:
    """Give the rows the numbers that broken ones left over; return the block and the next row's number."""
    numbers = np.arange(start, start + cells.num_rows + len(broken))
    if broken:
        numbers = np.setdiff1d(numbers, np.fromiter(broken, dtype=np.int64))[: cells.num_rows]
    last = int(numbers[-1]) if len(numbers) else start - 1
    here = {number: broken.pop(number) for number in sorted(broken) if number <= last}
    return TextTable(cells, numbers, here), last + 1


def _first_line(text: TextFile) -> tuple[int, str]:
    """Return how many blank lines come first, and the line after them with its quoted line breaks."""
    blank = 0
    with text.open() as stream:
        while True:
            line = stream.readline(_LONGEST_HEADER)
            if line.strip() or not line:
                break
            blank += 1
            if blank > _MOST_BLANK_LINES:
                raise FileRefusedError(FileReason.NO_HEADER, "the file begins with thousands of blank lines")
        while line.count(b'"') % 2 and len(line) < _LONGEST_HEADER:
            more = stream.readline(_LONGEST_HEADER)
            if not more:
                break
            line += more
    if len(line) >= _LONGEST_HEADER:
        raise FileRefusedError(FileReason.LINE_TOO_LONG, "the first line is longer than a megabyte")
    return blank, line.decode("utf-8")


def _cells(line: str, delimiter: str, quote: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(line), delimiter=delimiter, quotechar=quote))
    except (csv.Error, StopIteration):
        raise FileRefusedError(FileReason.NO_HEADER, "the first line is no list of column names") from None


def _is_a_row(cells: list[str], options: ReadOptions) -> bool:
    """Tell whether the first line is a row of the known columns; refuse one that is a row of unknown ones."""
    if {cell.strip() for cell in cells} & options.expected:
        return False
    text = pa.chunked_array([[cell.strip() for cell in cells]])
    values = pc.or_(pc.is_valid(as_numbers(text)), pc.is_valid(as_datetimes(text)))
    if not pc.any(values).as_py():
        return False
    if len(cells) == len(options.columns):
        return True
    why = "the first line holds values: write the column names there"
    raise FileRefusedError(FileReason.NO_HEADER, why)


def _refusal(message: str, broken: dict[int, str]) -> FileRefusedError:
    """Say what Arrow complains about without repeating a cell."""
    if "straddl" in message or "block size" in message:
        why = "a line is longer than several megabytes, or a quote is never closed"
        return FileRefusedError(FileReason.LINE_TOO_LONG, why)
    if len(broken) > _MOST_BROKEN:
        why = f"more than {_MOST_BROKEN} rows in a row have another number of cells than the first line"
        return FileRefusedError(FileReason.TOO_MANY_BAD_ROWS, why)
    return FileRefusedError(
        FileReason.BROKEN_QUOTES, "the file is not CSV: its quotes or line breaks cannot be followed"
    )
