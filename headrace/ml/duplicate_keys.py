"""What makes two rows of a file one, by its contract."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.arrays import Ints
from headrace.ml.contract import Contract
from headrace.ml.rejections import Reason

_BETWEEN, _NOTHING = "\x1f", "\x1e"


@dataclass(frozen=True)
class DuplicateKey:
    """Rows with the same key are one, and the last of them counts.

    Parameters
    ----------
    column : str or None
        Whose value is the key; None for the values of all columns.
    reason : Reason
        Why the earlier rows are refused.
    """

    column: str | None
    reason: Reason

    def of(self, good: pa.Table, first: int) -> pa.ChunkedArray:
        """Return the key of each row, never missing or empty.

        Parameters
        ----------
        good : pyarrow.Table
            Good rows of a file.
        first : int
            How many came before them: a row without a value is like no other.
        """
        if self.reason is Reason.DUPLICATE_ID:
            return good.column(self.column)
        if self.column is None:
            cells = [pc.fill_null(pc.cast(column, pa.string()), _NOTHING) for column in good.columns]
            return pc.binary_join_element_wise(*cells, "", _BETWEEN)
        text = pc.cast(good.column(self.column), pa.string())
        places = pc.cast(pa.array(range(first, first + good.num_rows)), pa.string())
        alone = pc.binary_join_element_wise(_NOTHING, places, "")
        return pc.coalesce(pc.binary_join_element_wise(text, "", _BETWEEN), alone)

    def present(self, good: pa.Table) -> Ints:
        """Return the places of the rows that have a key; a row without a value of a unique column is like no other."""
        if self.reason is not Reason.NOT_UNIQUE:
            return np.arange(good.num_rows)
        return np.flatnonzero(good.column(self.column).is_valid().to_numpy(zero_copy_only=False))


def duplicate_keys(contract: Contract) -> tuple[DuplicateKey, ...]:
    """Return the keys of a contract, the strongest first.

    Examples
    --------
    >>> from headrace.ml.contract import ColumnSchema
    >>> duplicate_keys(Contract("regression", (ColumnSchema("n", "category", "id"),)))
    (DuplicateKey(column='n', reason=<Reason.DUPLICATE_ID: 'duplicate_id'>),)
    """
    id_column = contract.named("id")
    found = [DuplicateKey(id_column, Reason.DUPLICATE_ID)] if id_column is not None else []
    if contract.refuse_equal_rows:
        found.append(DuplicateKey(None, Reason.DUPLICATE_ROW))
    unique = [column.name for column in contract.columns if column.rules.unique and column.role != "id"]
    return (*found, *(DuplicateKey(name, Reason.NOT_UNIQUE) for name in unique))
