"""Cleans part of a file apart from the others, in two steps: its rows, then what only the whole file can tell.

A part does not know how many rows come before it, nor which of its ids come again in a later part. So its rows are
cleaned and kept first, numbered from 1; they are finished once both are known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.arrays import Hashes, Ints
from headrace.ml.cleaning import Cleaned, clean
from headrace.ml.contract import Contract
from headrace.ml.duplicate_keys import duplicate_keys
from headrace.ml.duplicates import hashes
from headrace.ml.files.table_file import TableFile
from headrace.ml.good_rows import GoodRows, groups
from headrace.ml.observation import Observer
from headrace.ml.refused_file import RefusedFile, duplicate_rows, refused_table
from headrace.ml.rejections import Reason, Summary

ROWS_OF_A_PART = 2**20
"""A part that has so many good rows is complete, and another begins."""

_GOOD, _NUMBERS, _KEYS, _REFUSED = "good.arrow", "numbers.npy", "keys.npz", "refused.arrow"
FILES = (_GOOD, _NUMBERS, _KEYS, _REFUSED)
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


def read_keys(folder: Path) -> list[tuple[Ints, Hashes]]:
    """Return, for each key of the contract, the places of a part's good rows that have one, and its hashes."""
    path = folder / _KEYS
    if not path.exists():
        return []
    with np.load(path, allow_pickle=False) as arrays:
        return [(arrays[f"places_{key}"], arrays[f"hashes_{key}"]) for key in range(len(arrays.files) // 2)]


def finish_part(
    folder: Path, contract: Contract, names: list[str], *, rows_before: int, repeats: Ints
) -> FinishedPart:
    """Give the rows of a part their numbers in the file, and refuse those that come again by a key of the contract.

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
    repeats : ndarray of shape (n_repeats, 2)
        Places of the good rows that come again, from 0 and in order, and the number of the key by which they do.
    """
    refused, duplicates = RefusedFile(folder / "rejected.csv"), Summary()
    if (folder / _REFUSED).exists():
        for _, table in groups(folder / _REFUSED):
            refused.add(table.set_column(0, table.field(0), pc.add(table.column(0), rows_before)))
    if not (folder / _GOOD).exists():
        return FinishedPart(None, 0, refused.close(), duplicates)
    numbers, keys = np.load(folder / _NUMBERS, allow_pickle=False) + rows_before, duplicate_keys(contract)
    with GoodRows(folder, contract, final=True) as kept:
        for first, group in groups(folder / _GOOD):
            found = repeats[(repeats[:, 0] >= first) & (repeats[:, 0] < first + group.num_rows)]
            here = found[:, 0] - first
            keep = np.ones(group.num_rows, dtype=bool)
            keep[here] = False
            kept.add(group.filter(pa.array(keep)))
            if len(here):
                again, by = group.take(pa.array(here)), [keys[key] for key in found[:, 1]]
                rejections, text = duplicate_rows(again, numbers[first + here], by, contract, names)
                duplicates.add(rejections)
                refused.add(refused_table(rejections, text, names))
    return FinishedPart(kept.path if kept.count else None, kept.count, refused.close(), duplicates)


class _PartSink:
    """Where the rows of one part go."""

    def __init__(self, folder: Path, contract: Contract, names: list[str]) -> None:
        folder.mkdir(parents=True)
        self.folder, self.names = folder, names
        self.rows = GoodRows(folder, contract, final=False)
        self.summary = Summary()
        self.flagged: Counter[tuple[str, Reason]] = Counter()
        self._keys = duplicate_keys(contract)
        self._numbers: list[Ints] = []
        self._places: list[list[Ints]] = [[] for _ in self._keys]
        self._hashes: list[list[Hashes]] = [[] for _ in self._keys]
        self._refused: pa.ipc.RecordBatchStreamWriter | None = None

    def add(self, cleaned: Cleaned) -> None:
        self._keep_keys(cleaned.good)
        self.rows.add(cleaned.good)
        self.flagged += cleaned.flagged
        self._numbers.append(cleaned.row_numbers)
        if len(cleaned.rejections):
            self.summary.add(cleaned.rejections)
            self._refuse(refused_table(cleaned.rejections, cleaned.rejected_text, self.names))

    def close(self) -> tuple[Path, Part]:
        self.rows.__exit__()
        if self._refused:
            self._refused.close()
        if self.rows.count:
            np.save(self.folder / _NUMBERS, np.concatenate(self._numbers))
        if self._keys and self.rows.count:
            np.savez(self.folder / _KEYS, **self._key_arrays())
        return self.folder, Part(self.rows.count, self.summary, self.flagged)

    def _keep_keys(self, good: pa.Table) -> None:
        for key, places, found in zip(self._keys, self._places, self._hashes, strict=True):
            here = key.present(good)
            places.append(here + self.rows.count)
            chunks = key.of(good.take(pa.array(here)), 0).chunks
            found += [hashes(chunk) for chunk in chunks if len(chunk)]

    def _key_arrays(self) -> dict[str, Any]:
        nothing: Hashes = np.empty((0, 2), dtype=np.uint64)
        places = {f"places_{key}": np.concatenate(each) for key, each in enumerate(self._places)}
        found = {f"hashes_{key}": np.concatenate([nothing, *each]) for key, each in enumerate(self._hashes)}
        return {**places, **found}

    def _refuse(self, table: pa.Table) -> None:
        if self._refused is None:
            self._refused = pa.ipc.new_stream(str(self.folder / _REFUSED), table.schema)
        self._refused.write_table(table)
