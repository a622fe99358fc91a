"""Large Parquet files as many tables, one for some row groups each, whose rows together are those of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from headrace.ml.files.options import ReadOptions, rows_of_block
from headrace.ml.files.parquet_file import ParquetFile
from headrace.ml.files.parquet_pages import Pages, chunk_place
from headrace.ml.files.ranges import ByteRange, Copy
from headrace.ml.files.table_file import is_single

_MAGIC = b"PAR1"
TAIL = 8
"""Last bytes of a file: how long its footer is, and the magic number."""


@dataclass(frozen=True)
class RowGroups:
    """Neighbouring row groups, and where they are in the file."""

    groups: range
    place: ByteRange
    rows: int

    def and_(self, following: RowGroups) -> RowGroups:
        """Return these row groups and those that follow."""
        return RowGroups(
            range(self.groups.start, following.groups.stop),
            ByteRange(self.place.start, following.place.end),
            self.rows + following.rows,
        )


@dataclass(frozen=True)
class SplitParquet:
    """A Parquet file that many read at the same time.

    Arrow reads a part at the places that the footer names. So the bytes of a part lie at their places in a file that is
    as long as the whole one and has holes, which take no disk.

    Parameters
    ----------
    footer : ByteRange
        Where the footer is.
    parts : tuple of RowGroups
        In the order of the file.
    file : ParquetFile
        How they are read.
    """

    footer: ByteRange
    parts: tuple[RowGroups, ...]
    file: ParquetFile

    @property
    def names(self) -> list[str]:
        """The columns of the file."""
        return self.file.names

    @property
    def count(self) -> int:
        """How many parts it has."""
        return len(self.parts)

    def copies(self, index: int) -> tuple[Copy, ...]:
        """Return which bytes `table` needs of one part, and where."""
        return tuple(Copy(place, place.start) for place in (self.parts[index].place, self.footer))

    def table(self, index: int, path: Path) -> ParquetFile:
        """Return one part, whose bytes lie in `path`. Its rows are numbered from 1."""
        return replace(self.file, path=path, groups=self.parts[index].groups)

    def with_pages(self, surveys: Sequence[Pages]) -> SplitParquet:
        """Return the file as it may be read, by what the pages of each part unpack to.

        Raises
        ------
        FileRefusedError
            If they unpack to more than a file may have.
        """
        found = Pages()
        for each in surveys:
            found = found.and_(each)
        found.check(self.file.options)
        return replace(self, file=self.file.with_pages(found))

    def head(self, rows: int) -> SplitParquet:
        """Return the beginning of the file as one part: so much that its blocks, up to so many rows, are the file's."""
        needed = rows + 2 * rows_of_block(len(self.names))
        received = accumulate(part.rows for part in self.parts)
        count = 1 + sum(before < needed for before in list(received)[:-1])
        return replace(self, parts=(reduce(RowGroups.and_, self.parts[:count]),))


def is_parquet(start: bytes, options: ReadOptions) -> bool:
    """Tell whether a file is Parquet by its first bytes."""
    return start.startswith(_MAGIC) and not is_single(options)


def footer_place(tail: bytes, size: int) -> ByteRange:
    """Return where the footer of a file of `size` bytes is, by its last eight.

    Examples
    --------
    >>> footer_place((100).to_bytes(4, "little") + b"PAR1", 1000)
    ByteRange(start=892, end=1000)
    """
    return ByteRange(max(0, size - TAIL - int.from_bytes(tail[:4], "little")), size)


def split_parquet(
    path: Path, footer: ByteRange, part_bytes: int, options: ReadOptions
) -> SplitParquet | None:
    """Return a file as parts of about so many bytes, or None if only one machine can read it.

    Parameters
    ----------
    path : Path
        A file that has the footer in its place; the rest may be a hole.
    footer : ByteRange
        Where the footer is.
    part_bytes : int
        A part of so many bytes is complete.
    options : ReadOptions
        Limits.

    Raises
    ------
    FileRefusedError
        If the footer shows that the file cannot be taken.
    """
    if footer.end > options.max_bytes:
        raise options.too_large()
    file = ParquetFile.by_footer(path, options)
    groups = _row_groups(pq.read_metadata(path), footer)
    if groups is None:
        return None
    parts = _gathered(groups, part_bytes)
    return SplitParquet(footer, parts, file) if len(parts) > 1 else None


def _row_groups(about: Any, footer: ByteRange) -> list[RowGroups] | None:
    """Return the row groups that have rows, each up to where the next begins; None if they do not lie in order."""
    found = []
    for number in range(about.num_row_groups):
        group = about.row_group(number)
        if group.num_rows:
            chunks = [chunk_place(group.column(index)) for index in range(group.num_columns)]
            place = ByteRange(min(start for start, _ in chunks), max(end for _, end in chunks))
            found.append(RowGroups(range(number, number + 1), place, group.num_rows))
    bounds = [*(group.place.start for group in found), footer.start]
    ends = [group.place.end for group in found]
    in_order = bounds[0] >= 0 and all(start < stop for start, stop in pairwise(bounds))
    if not in_order or any(end > stop for end, stop in zip(ends, bounds[1:], strict=True)):
        return None
    return [
        replace(group, place=ByteRange(group.place.start, stop))
        for group, stop in zip(found, bounds[1:], strict=True)
    ]


def _gathered(groups: list[RowGroups], part_bytes: int) -> tuple[RowGroups, ...]:
    parts: list[RowGroups] = []
    for group in groups:
        if parts and parts[-1].place.end - parts[-1].place.start < part_bytes:
            parts[-1] = parts[-1].and_(group)
        else:
            parts.append(group)
    return tuple(parts)
