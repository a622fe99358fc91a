r"""Cuts a large text file into byte ranges that begin with a row, so that many machines can read one file.

Whether a line break ends a row depends on all quotes before it. So the file is read twice: first every piece is surveyed
by itself under both suppositions, that it begins outside of quotes and that it begins inside ("speculative parsing" [1]_);
then one walk over the surveys tells for each piece which is true, and where its first row begins. The rules of quotes are
those of Arrow's reader: a quote opens only at the beginning of a cell, and two in a row inside of quotes are one letter.

References
----------
.. [1] Ge, C., Li, Y., Eilebrecht, E., Chandramouli, B. and Kossmann, D. (2019). Speculative Distributed CSV Data Parsing
   for Big Data Analytics. SIGMOD.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.text_file import TextFacts

Read = Callable[[int, int], bytes]
"""Returns the bytes of a file from the first position to before the second, fewer at the file's end."""


@dataclass(frozen=True)
class Dialect:
    """What separates and surrounds the cells of a file; no quotes for JSON Lines.

    Parameters
    ----------
    delimiter, quote : str
        One letter each; an empty quote if line breaks are never part of a cell.
    """

    delimiter: str
    quote: str


@dataclass(frozen=True)
class Outlook:
    """What a piece of a file is if it begins in a certain state.

    Parameters
    ----------
    first_row : int or None
        Position in the file at which its first row begins; None if none does.
    ends_inside : bool
        Whether its last line break is inside of quotes.
    """

    first_row: int | None
    ends_inside: bool


@dataclass(frozen=True)
class Survey:
    """What was found in one piece of whole lines.

    Parameters
    ----------
    start, end : int
        Positions in the file.
    facts : TextFacts
        What its bytes are.
    outside, inside : Outlook
        What the piece is if it begins outside of quotes, and if it begins inside.
    """

    start: int
    end: int
    facts: TextFacts
    outside: Outlook
    inside: Outlook


@dataclass(frozen=True)
class ByteRange:
    """Bytes of a file that begin with a row: from `start` to before `end`."""

    start: int
    end: int


@dataclass(frozen=True)
class Copy:
    """Bytes of a file, and the position at which a copy of a part has them."""

    source: ByteRange
    target: int = 0


def pieces(size: int, piece_bytes: int) -> list[ByteRange]:
    """Return where a file of `size` bytes is cut, whatever stands there.

    Examples
    --------
    >>> pieces(25, 10)
    [ByteRange(start=0, end=10), ByteRange(start=10, end=20), ByteRange(start=20, end=25)]
    """
    return [ByteRange(start, min(start + piece_bytes, size)) for start in range(0, size, piece_bytes)]


def survey(read: Read, piece: ByteRange, dialect: Dialect, options: ReadOptions) -> Survey | None:
    r"""Look at the lines that begin in a piece; None if none does.

    Parameters
    ----------
    read : callable
        Reads the file.
    piece : ByteRange
        Which bytes.
    dialect : Dialect
        What cells look like.
    options : ReadOptions
        Limits.

    Raises
    ------
    FileRefusedError
        If a line that begins here does not end within two blocks after the piece.

    Examples
    --------
    >>> data = b'id,text\n1,"a\nb"\n2,c\n'
    >>> found = survey(lambda start, end: data[start:end], ByteRange(4, 14), Dialect(",", '"'), ReadOptions())
    >>> data[found.start : found.end]
    b'1,"a\nb"\n'
    >>> found.outside, found.inside
    (Outlook(first_row=8, ends_inside=False), Outlook(first_row=13, ends_inside=False))
    """
    before = min(piece.start, 1)
    reach = 2 * options.block_bytes
    data = read(piece.start - before, piece.end + reach)
    last = len(data) < piece.end + reach - (piece.start - before)
    begin = _after_line_break(data, 0) if before else 0
    length = piece.end - piece.start + before
    if begin is None or begin >= length:
        return None
    stop = _after_line_break(data, length - 1)
    if stop is None and not last:
        raise _endless_line()
    lines = data[begin:stop]
    start = piece.start - before + begin
    outside, inside = _outlooks(lines, start, dialect)
    return Survey(start, start + len(lines), TextFacts.of(lines), outside, inside)


def row_ranges(surveys: Iterable[Survey], options: ReadOptions) -> list[ByteRange]:
    """Return the ranges of a file, each beginning with a row, from the surveys of its pieces in order.

    Raises
    ------
    FileRefusedError
        If a row is longer than two blocks, as one is whose quote is never closed.
    """
    starts: list[int] = []
    is_inside, row_since, end = False, 0, 0
    for each in surveys:
        outlook = each.inside if is_inside else each.outside
        until = each.end if outlook.first_row is None else outlook.first_row
        if is_inside and until - row_since > 2 * options.block_bytes:
            raise _endless_line()
        if outlook.first_row is not None:
            row_since = each.end
            if outlook.first_row < each.end:
                starts.append(outlook.first_row)
        is_inside, end = outlook.ends_inside, each.end
    return [ByteRange(start, stop) for start, stop in zip(starts, [*starts[1:], end], strict=True)]


def _after_line_break(data: bytes, position: int) -> int | None:
    found = data.find(b"\n", position)
    return None if found < 0 else found + 1


def _outlooks(lines: bytes, start: int, dialect: Dialect) -> tuple[Outlook, Outlook]:
    quote = dialect.quote.encode()
    if not quote or quote not in lines:
        return Outlook(start, ends_inside=False), Outlook(None, ends_inside=True)
    opened, closed = _patterns(dialect)
    outside = Outlook(start, _ends_inside(lines, 0, opened))
    first = closed.match(lines)
    if first is None or not first[1]:
        return outside, Outlook(None, ends_inside=True)
    row = _first_row(lines, first.end(), opened)
    return outside, Outlook(None if row is None else start + row, _ends_inside(lines, first.end(), opened))


@cache
def _patterns(dialect: Dialect) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return what a quoted cell is, and what the rest of one is; their group is empty if the closing quote is missing."""
    quote, delimiter = re.escape(dialect.quote.encode()), re.escape(dialect.delimiter.encode())
    rest = rb"[^%b]*+(?:%b%b[^%b]*+)*+(%b|\Z)" % (quote, quote, quote, quote, quote)
    opening = rb"%b(?<![^%b\n\r]%b)" % (quote, delimiter, quote)
    return re.compile(opening + rest), re.compile(rest)


def _ends_inside(lines: bytes, position: int, opened: re.Pattern[bytes]) -> bool:
    last = next(iter(deque(opened.finditer(lines, position), maxlen=1)), None)
    return last is not None and not last[1]


def _first_row(lines: bytes, position: int, opened: re.Pattern[bytes]) -> int | None:
    """Return where the first row after `position` begins, which is outside of quotes."""
    for cell in opened.finditer(lines, position):
        found = lines.find(b"\n", position, cell.start())
        if found >= 0:
            return found + 1
        position = cell.end()
    return _after_line_break(lines, position)


def _endless_line() -> FileRefusedError:
    why = "a line is longer than several megabytes, or a quote is never closed"
    return FileRefusedError(FileReason.LINE_TOO_LONG, why)


def united_facts(surveys: Sequence[Survey]) -> TextFacts:
    """Return what the bytes of the whole file are."""
    found = TextFacts()
    for each in surveys:
        found = found.and_(each.facts)
    return found
