"""Cleans a whole file of any length: blocks in, one Parquet file and one file of refused rows out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from headrace.ml.ahead import one_ahead
from headrace.ml.arrays import Ints
from headrace.ml.bad_rows import bad_row_share
from headrace.ml.cleaning import Cleaned, clean
from headrace.ml.contract import Contract
from headrace.ml.duplicate_keys import duplicate_keys
from headrace.ml.duplicates import SeenIds
from headrace.ml.files.table_file import TableFile
from headrace.ml.good_rows import GoodRows
from headrace.ml.observation import Observer
from headrace.ml.refused_file import RefusedFile, duplicate_rows, refused_table
from headrace.ml.rejections import Reason, Rejections, Summary
from headrace.ml.text_table import TextTable, united

_BYTES_OF_A_NUMBER = 8
_BYTES_AT_ONCE = 3 * 2**20


@dataclass(frozen=True)
class CleanedFile:
    """What became of a file's rows.

    Parameters
    ----------
    good : Path or None
        Parquet of the good rows, columns named as in the catalogue; None if there are none.
    rows : int
        How many good rows there are.
    rejected : Path or None
        CSV of the refused rows as they were, the row's number, the column and the reason in front.
    summary : Summary
        Why they were refused.
    flagged : Counter of (str, Reason)
        How many good rows break a rule that is declared to be flagged, by column.
    """

    good: Path | None
    rows: int
    rejected: Path | None
    summary: Summary
    flagged: Counter[tuple[str, Reason]]

    @property
    def received(self) -> int:
        """Rows of the file."""
        return self.rows + self.summary.rows

    @property
    def bad_row_share(self) -> float:
        """Share of bad rows among those that no filter drops, 0 to 1; 0 if there are none."""
        return bad_row_share(self.rows, self.summary)


def clean_file(
    file: TableFile, contract: Contract, folder: Path, observer: Observer | None = None
) -> CleanedFile:
    """Clean `file` block by block; of rows that are one by the contract's keys, the last good one stays.

    Parameters
    ----------
    file : TableFile
        An opened file.
    contract : Contract
        What it must look like.
    folder : Path
        Where the two files are written; what lies there under their names is replaced.
    observer : Observer, optional
        Is shown the good rows.

    Raises
    ------
    ContractError
        If the file lacks a column.
    FileRefusedError
        If it turns out to be damaged further down.
    CleaningStepError
        If a cleaning step fails.
    """
    sink = _Sink(contract, folder, file.names)
    with sink.rows:
        for block in one_ahead(_fewer(file.blocks())):
            cleaned = clean(block, contract)
            sink.add(cleaned)
            if observer:
                observer.add(cleaned.good)
    sink.remove_duplicates()
    return sink.result()


def _fewer(blocks: Iterator[TextTable]) -> Iterator[TextTable]:
    """Unite small blocks: what a call of Arrow costs by itself is then shared by more rows."""
    some: list[TextTable] = []
    for block in blocks:
        some.append(block)
        if sum(each.cells.nbytes for each in some) >= _BYTES_AT_ONCE:
            yield united(some)
            some = []
    if some:
        yield united(some)


class _Sink:
    """Where the rows of a file go."""

    def __init__(self, contract: Contract, folder: Path, names: list[str]) -> None:
        self.contract, self.folder, self.names = contract, folder, names
        self.summary = Summary()
        self.flagged: Counter[tuple[str, Reason]] = Counter()
        self._keys = duplicate_keys(contract)
        # Rows that may have to be taken back are not packed before it is known which.
        self.rows = GoodRows(folder, contract, final=not self._keys)
        self._refused = RefusedFile(folder / "rejected.csv")
        self._seen = [SeenIds(folder / f"keys_{place}") for place in range(len(self._keys))]
        self._numbers = folder / "numbers"
        self._numbers.unlink(missing_ok=True)

    def add(self, cleaned: Cleaned) -> None:
        first = self.rows.count
        self.rows.add(cleaned.good)
        self.flagged += cleaned.flagged
        if self._keys and cleaned.good.num_rows:
            for key, seen in zip(self._keys, self._seen, strict=True):
                seen.add(key.of(cleaned.good, first))
            with self._numbers.open("ab") as file:
                cleaned.row_numbers.astype(np.int64).tofile(file)
        if len(cleaned.rejections):
            self._reject(cleaned.rejections, cleaned.rejected_text)

    def remove_duplicates(self) -> None:
        """Leave out good rows whose id, or whatever else makes two rows one, comes again, and pack the others."""
        if not self._keys or not self.rows.count:
            return
        earlier, keys = self._earlier()
        with GoodRows(self.folder, self.contract, final=True) as kept:
            for first, group in self.rows.groups():
                here = earlier[(earlier >= first) & (earlier < first + group.num_rows)]
                if not len(here):
                    kept.add(group)
                    continue
                keep = np.ones(group.num_rows, dtype=bool)
                keep[here - first] = False
                kept.add(group.filter(pa.array(keep)))
                numbers = np.fromfile(
                    self._numbers, np.int64, group.num_rows, offset=_BYTES_OF_A_NUMBER * first
                )
                found = keys[(earlier >= first) & (earlier < first + group.num_rows)]
                self._reject_duplicates(group.take(pa.array(here - first)), numbers[here - first], found)
        self.rows = kept

    def result(self) -> CleanedFile:
        good = self.rows.path if self.rows.count else None
        return CleanedFile(good, self.rows.count, self._refused.close(), self.summary, self.flagged)

    def _earlier(self) -> tuple[Ints, Ints]:
        """Return the places of rows that come again, in order, and the first key by which each does."""
        found = [seen.earlier() for seen in self._seen]
        keys = np.repeat(np.arange(len(found)), [len(each) for each in found])
        places, first = np.unique(np.concatenate(found), return_index=True)
        return places, keys[first]

    def _reject_duplicates(self, rows: pa.Table, numbers: Ints, keys: Ints) -> None:
        found = [self._keys[key] for key in keys]
        self._reject(*duplicate_rows(rows, numbers, found, self.contract, self.names))

    def _reject(self, rejections: Rejections, text: pa.Table) -> None:
        self.summary.add(rejections)
        self._refused.add(refused_table(rejections, text, self.names))
