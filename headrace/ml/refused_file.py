"""Writes refused rows as whoever repairs them reads them: as they were, with number, column and reason in front."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from headrace.ml.arrays import Ints
from headrace.ml.contract import Contract
from headrace.ml.duplicate_keys import DuplicateKey
from headrace.ml.formulas import harmless
from headrace.ml.rejections import Rejection, Rejections
from headrace.ml.table_names import free_name


def refused_table(rejections: Rejections, text: pa.Table, names: Sequence[str]) -> pa.Table:
    """Return refused rows with the column, the class of the value and the reason behind the row's number.

    Parameters
    ----------
    rejections : Rejections
        Why they were refused.
    text : pyarrow.Table
        The rows as they were written, their number first.
    names : sequence of str
        Columns of the file; those that are added get other names.
    """
    added = {
        "bad_column": list(rejections.columns),
        "value_class": list(rejections.value_classes),
        "reason": [str(reason) for reason in rejections.reasons],
    }
    for place, (name, values) in enumerate(added.items(), start=1):
        column = pa.chunked_array([values], pa.string())
        text = text.add_column(place, free_name(name, names), column)
    return text


def duplicate_rows(
    rows: pa.Table, numbers: Ints, keys: Sequence[DuplicateKey], contract: Contract, names: Sequence[str]
) -> tuple[Rejections, pa.Table]:
    """Return good rows whose key comes again as refused ones, and their text.

    Parameters
    ----------
    rows : pyarrow.Table
        The rows; their columns are those of the contract, in its order.
    numbers : ndarray of shape (n_rows,)
        Their numbers in the file.
    keys : sequence of DuplicateKey
        By which each of them is like a later one.
    contract : Contract
        What they are.
    names : sequence of str
        Columns of the file.
    """
    found = [
        Rejection(int(number), key.column, key.reason, "text" if key.column else "row")
        for number, key in zip(numbers, keys, strict=True)
    ]
    named = rows.rename_columns([column.name for column in contract.columns])
    cells = {
        name: pc.cast(named.column(name), pa.string())
        if name in named.column_names
        else pa.nulls(named.num_rows, pa.string())
        for name in names
    }
    text = {free_name("row", names): numbers, **cells}
    text[free_name("text", names)] = pa.nulls(named.num_rows, pa.string())
    return Rejections.of(found), pa.table(text)


class RefusedFile:
    """A CSV file of refused rows, safe for spreadsheet programs.

    Parameters
    ----------
    path : Path
        Where it is written; no file is made for no rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: pacsv.CSVWriter | None = None
        self.path.unlink(missing_ok=True)

    def add(self, table: pa.Table) -> None:
        """Append what `refused_table` has made."""
        cells = [harmless(column) if pa.types.is_string(column.type) else column for column in table.columns]
        names = harmless(pa.chunked_array([table.column_names])).to_pylist()
        safe = pa.table(cells, names=names)
        if self._writer is None:
            self._writer = pacsv.CSVWriter(str(self.path), safe.schema)
        self._writer.write_table(safe)

    def close(self) -> Path | None:
        """Return the file, or None if no row was refused."""
        if self._writer is None:
            return None
        self._writer.close()
        return self.path
