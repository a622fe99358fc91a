"""Cleans part of a file apart from the others, in two steps: its rows, then what only the whole file can tell.

A part does not know how many rows come before it, nor which of its ids come again in a later part. So its rows are
cleaned and kept first, numbered from 1; they are finished once both are known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.arrays import Hashes, Ints
from headrace.ml.cleaning import Cleaned, clean
from headrace.ml.contract import Contract
from headrace.ml.duplicate_keys import key_of_parts
from headrace.ml.duplicates import hashes
from headrace.ml.files.table_file import TableFile
from headrace.ml.good_rows import GoodRows, groups
from headrace.ml.observation import Observer
from headrace.ml.refused_file import RefusedFile, duplicate_rows, refused_table
from headrace.ml.rejections import Reason, Summary

ROWS_OF_A_PART = 2**20
"""A part that has so many good rows is complete, and another begins."""

_GOOD, _NUMBERS, _IDS, _REFUSED = "good.arrow", "numbers.npy", "ids.npy", "refused.arrow"
FILES = (_GOOD, _NUMBERS, _IDS, _REFUSED)
"""What a part is made of; a file of no rows is left out."""


@dataclass(frozen=True)
class Part:
    """Cleaned rows of a part, before it is finished.

    Parameters
    ----------
    rows : int
        Good rows.
    summary : Summary
        Refused rows, numbered from 1.
    flagged : Counter of (str, Reason)
        Good rows that break a rule which only flags, by column.
    """

    rows: int
    summary: Summary
    flagged: Counter[tuple[str, Reason]]

    @property
    def received(self) -> int:
        """All rows."""
        return self.rows + self.summary.rows


@dataclass(frozen=True)
class FinishedPart:
    """What became of a part's rows.

    Parameters
    ----------
    good : Path or None
        Parquet of the good rows; None if there are none.
    rows : int
        How many.
    rejected : Path or None
        CSV of the refused rows.
    duplicates : Summary
        Rows refused because their id comes again.
    """

    good: Path | None
    rows: int
    rejected: Path | None
    duplicates: Summary


def clean_parts(
    file: TableFile,
    contract: Contract,
    folder: Path,
    observer: Observer,
    *,
    rows_of_a_part: int = ROWS_OF_A_PART,
) -> Iterator[tuple[Path, Part]]:
    """Clean a file, or part of one, and yield folders of about `rows_of_a_part` good rows each, at least one.

    The observer is shown the good rows.

    Raises
    ------
    ContractError
        If the file lacks a column.
    FileRefusedError
        If it turns out to be damaged.
    CleaningStepError
        If a cleaning step fails.
    """
    sink = _PartSink(folder / "0", contract, file.names)
    count = 1
    for block in file.blocks():
        if sink.rows.count >= rows_of_a_part:
            yield sink.close()
            sink = _PartSink(folder / str(count), contract, file.names)
            count += 1
        cleaned = clean(block, contract)
        sink.add(cleaned)
        observer.add(cleaned.good)
    yield sink.close()


def read_ids(folder: Path) -> Hashes:
    """Return the hashes of the ids of a part's good rows, of shape (n_rows, 2); no rows without ids."""
    path = folder / _IDS
    return np.load(path) if path.exists() else np.empty((0, 2), dtype=np.uint64)


def finish_part(
    folder: Path, contract: Contract, names: list[str], *, rows_before: int, earlier: Ints
) -> FinishedPart:
    """Give the rows of a part their numbers in the file, and refuse those whose id comes again.

    Parameters
    ----------
    folder : Path
        What `clean_parts` has yielded; the finished files are written beside it.
    contract : Contract
        What the rows are.
    names : list of str
        Columns of the file.
    rows_before : int
        Rows of the file before the first of this part's numbering.
    earlier : ndarray of shape (n_duplicates,)
        Places of the good rows, from 0 and in order, whose id comes again.
    """
    refused, duplicates = RefusedFile(folder / "rejected.csv"), Summary()
    if (folder / _REFUSED).exists():
        for _, table in groups(folder / _REFUSED):
            refused.add(table.set_column(0, table.field(0), pc.add(table.column(0), rows_before)))
    if not (folder / _GOOD).exists():
        return FinishedPart(None, 0, refused.close(), duplicates)
    numbers, key = np.load(folder / _NUMBERS) + rows_before, key_of_parts(contract)
    with GoodRows(folder, contract, final=True) as kept:
        for first, group in groups(folder / _GOOD):
            here = earlier[(earlier >= first) & (earlier < first + group.num_rows)] - first
            keep = np.ones(group.num_rows, dtype=bool)
            keep[here] = False
            kept.add(group.filter(pa.array(keep)))
            if key and len(here):
                again = group.take(pa.array(here))
                found, text = duplicate_rows(again, numbers[first + here], [key] * len(here), contract, names)
                duplicates.add(found)
                refused.add(refused_table(found, text, names))
    return FinishedPart(kept.path if kept.count else None, kept.count, refused.close(), duplicates)


class _PartSink:
    """Where the rows of one part go."""

    def __init__(self, folder: Path, contract: Contract, names: list[str]) -> None:
        folder.mkdir(parents=True)
        self.folder, self.names = folder, names
        self.rows = GoodRows(folder, contract, final=False)
        self.summary = Summary()
        self.flagged: Counter[tuple[str, Reason]] = Counter()
        self._key = key_of_parts(contract)
        self._numbers: list[Ints] = []
        self._ids: list[Hashes] = []
        self._refused: pa.ipc.RecordBatchStreamWriter | None = None

    def add(self, cleaned: Cleaned) -> None:
        self.rows.add(cleaned.good)
        self.flagged += cleaned.flagged
        self._numbers.append(cleaned.row_numbers)
        if self._key and cleaned.good.num_rows:
            keys = self._key.of(cleaned.good, self.rows.count)
            self._ids += [hashes(chunk) for chunk in keys.chunks if len(chunk)]
        if len(cleaned.rejections):
            self.summary.add(cleaned.rejections)
            self._refuse(refused_table(cleaned.rejections, cleaned.rejected_text, self.names))

    def close(self) -> tuple[Path, Part]:
        self.rows.__exit__()
        if self._refused:
            self._refused.close()
        if self.rows.count:
            np.save(self.folder / _NUMBERS, np.concatenate(self._numbers))
        if self._ids:
            np.save(self.folder / _IDS, np.concatenate(self._ids))
        return self.folder, Part(self.rows.count, self.summary, self.flagged)

    def _refuse(self, table: pa.Table) -> None:
        if self._refused is None:
            self._refused = pa.ipc.new_stream(str(self.folder / _REFUSED), table.schema)
        self._refused.write_table(table)
