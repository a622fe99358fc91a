"""Tables of text: every cell as it was written, every row with its number in the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.arrays import Ints
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.table_names import free_name


@dataclass(frozen=True)
class TextTable:
    """Rows of a file before they are cleaned.

    Parameters
    ----------
    cells : pyarrow.Table
        Text columns; null is an absent cell.
    row_numbers : ndarray of shape (n_rows,)
        1 is the first row after the header. A quoted line break does not count.
    broken : dict of int to str
        Rows that have another number of cells than the header, by their number: the text as it was written.
    """

    cells: pa.Table
    row_numbers: Ints
    broken: dict[int, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many there are, the broken ones included."""
        whole: int = self.cells.num_rows
        return whole + len(self.broken)


def text_of(table: pa.Table) -> TextTable:
    """Write every cell of a typed table as text.

    Raises
    ------
    FileRefusedError
        If a column is nested, or holds bytes that are no text.

    Examples
    --------
    >>> text_of(pa.table({"at": [True, None], "n": [1.0, 2.5]})).cells.to_pylist()
    [{'at': 'true', 'n': '1'}, {'at': None, 'n': '2.5'}]
    """
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            columns.append(pc.cast(column, pa.string()))
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            why = f"column {name!r} is {column.type}, which is no plain value"
            raise FileRefusedError(FileReason.NESTED, why) from None
    cells = pa.table(columns, names=table.column_names)
    return TextTable(cells, np.arange(1, cells.num_rows + 1))


def united(blocks: Iterable[TextTable], *, rows: int | None = None) -> TextTable:
    """Return the first blocks as one table: all of them, or until they have so many `rows`.

    Examples
    --------
    >>> block = text_of(pa.table({"n": [1]}))
    >>> united([block, TextTable(block.cells, np.array([2]), {3: "x,y"})]).rows
    3
    """
    taken: list[TextTable] = []
    for block in blocks:
        taken.append(block)
        if rows is not None and sum(each.rows for each in taken) >= rows:
            break
    if not taken:
        return TextTable(pa.table({}), np.array([], dtype=np.int64))
    broken = {number: text for block in taken for number, text in block.broken.items()}
    numbers = np.concatenate([block.row_numbers for block in taken])
    return TextTable(pa.concat_tables([block.cells for block in taken]), numbers, broken)


def rows_as_written(table: TextTable, places: Ints) -> pa.Table:
    """Return refused rows as they were written, in the order of the file; of a broken one only number and text are known.

    Parameters
    ----------
    table : TextTable
        Rows of a file. All broken ones are refused.
    places : ndarray of shape (n_refused,)
        Places of the others in `table.cells`.

    Returns
    -------
    pyarrow.Table
        Their number, then the file's columns, then the text of broken ones.

    Examples
    --------
    >>> table = TextTable(pa.table({"label": ["x", "7"]}), np.array([1, 2]), {3: "a,b"})
    >>> rows_as_written(table, np.array([0])).to_pylist()
    [{'row': 1, 'label': 'x', 'text': None}, {'row': 3, 'label': None, 'text': 'a,b'}]
    """
    names = table.cells.column_names
    number, text = (free_name(name, names) for name in ("row", "text"))
    rows = pa.array(places)
    whole = table.cells.take(rows).add_column(0, number, pa.array(table.row_numbers).take(rows))
    whole = whole.append_column(text, pa.nulls(whole.num_rows, pa.string()))
    if not table.broken:
        return whole
    broken = {
        number: pa.array(list(table.broken), pa.int64()),
        text: pa.array(list(table.broken.values()), pa.string()),
    }
    return pa.concat_tables([whole, pa.table(broken)], promote_options="default").sort_by(number)
