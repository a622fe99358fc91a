"""One person, and how rows that are about them are told from others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.arrays import Flags
from headrace.ml.cells import as_categories, as_flags, trimmed
from headrace.ml.formulas import as_written
from headrace.ml.privacy.hashing import hashed_value
from headrace.ml.privacy.protection import same_as_in_cells
from headrace.ml.table_names import table_names

ROW_NAMES = ("_entity", "entity", "_inference_id", "inference_id", "inferenceId")
"""Where recorded predictions, labels and captures name a row, or the request that was about it."""

_LEAST_WORD = 6
"""Characters; a shorter name stands in too many files by chance to be looked for in plain text."""

_MOST_SOUGHT = 32
"""Names that are looked for among the bytes of a text: of more, reading it is as quick."""
_PLAIN = re.compile(r"[A-Za-z0-9_.:@+-]+")
_WRITTEN_OTHERWISE = (b"\\u", b"BASE64")
"""Where these are, names may stand in another form: letters of JSON as numbers, captured requests that are no text."""
_WHOLE_AS_DECIMAL = re.compile(r"([+-]?\d+)\.0+")


class NobodyError(ValueError):
    """What was given names nobody."""


@dataclass(frozen=True)
class Person:
    """Whom a request to erase or to export is about.

    Parameters
    ----------
    names : frozenset of str
        The subject as files have it, and its hash.
    columns : frozenset of str
        Columns that hold it, by their names in files and in the catalogue.
    row_columns : frozenset of str
        Columns that hold ids of rows.
    rows : frozenset of str
        Ids of rows that are known to be about the person, where other tables name nothing else.
    """

    names: frozenset[str]
    columns: frozenset[str]
    row_columns: frozenset[str] = frozenset()
    rows: frozenset[str] = field(default=frozenset())

    @classmethod
    def of(cls, subject: str, declared: Mapping[str, Any], key: bytes) -> Person:
        """Return the person that a pipeline's files call `subject`.

        Parameters
        ----------
        declared : mapping
            ``subject``, ``id`` and ``personal`` of the pipeline file.
        key : bytes
            Of the hashes.

        Raises
        ------
        NobodyError
            If the text means "not known".
        """
        name = same_as_in_cells(subject)
        if name is None:
            raise NobodyError(f"{subject!r} is what files have where nothing is known")
        own = declared["subject"]
        same = declared.get("id") == own
        ids = {*ROW_NAMES, *(_spellings(declared["id"]) if declared.get("id") else ())}
        names = frozenset({name, hashed_value(name, key)})
        return cls(names, frozenset(_spellings(own)), frozenset(ids), names if same else frozenset())

    def with_rows(self, ids: Iterable[str], key: bytes) -> Person:
        """Return the person with ids of rows, each as it is and hashed."""
        known = {each for id in ids for each in (id, hashed_value(id, key))}
        return Person(self.names, self.columns, self.row_columns, self.rows | known)

    def owns(self, column: str, cell: Any) -> bool:
        """Tell whether a cell names the person, or a row about them.

        Examples
        --------
        >>> ann = Person.of("7", {"subject": "customer", "id": "order", "personal": {}}, b"key")
        >>> ann.owns("customer", 7.0), ann.owns("order", 7)
        (True, False)
        """
        if column in self.columns:
            return self._read(cell) in self.names
        return column in self.row_columns and bool(self.rows) and self._read(cell) in self.rows

    def rows_of(self, table: pa.Table) -> Flags:
        """Tell which rows of a table are about the person."""
        found = np.zeros(table.num_rows, dtype=bool)
        for columns, values in ((self.columns, self.names), (self.row_columns, self.rows)):
            wanted = pa.array(sorted(values), pa.string())
            for name in columns & set(table.column_names):
                found |= as_flags(pc.is_in(as_text(table.column(name)), value_set=wanted))
        return found

    def ids_of(self, table: pa.Table) -> set[str]:
        """Return the ids of the rows of a table that are about the person."""
        own = self.row_columns & set(table.column_names)
        rows = table.filter(pa.array(self.rows_of(table)))
        return {str(id) for name in own for id in as_text(rows.column(name)).drop_null().to_pylist()}

    def is_named_in(self, text: bytes) -> bool:
        """Tell whether a text that is no table names the person."""
        return self._words is not None and self._words.search(text) is not None

    @cached_property
    def _words(self) -> re.Pattern[bytes] | None:
        words = [re.escape(name.encode()) for name in self.names if len(name) >= _LEAST_WORD]
        return re.compile(rb"(?<![\w-])(?:" + b"|".join(words) + rb")(?![\w-])") if words else None

    def can_be_in(self, body: bytes) -> bool:
        r"""Tell at little cost whether a text can have a cell of the person: whether any of their names is among its bytes.

        Examples
        --------
        >>> ann = Person.of("c-4711", {"subject": "customer", "personal": {}}, b"key")
        >>> ann.can_be_in(b"customer,y\nc-4711,1\n"), ann.can_be_in(b"customer,y\nc-4712,1\n")
        (True, False)
        """
        known = self._sought
        if known is None or b"\0" in body or any(sign in body for sign in _WRITTEN_OTHERWISE):
            return True
        if self._is_number and body.lstrip()[:1] in (b"{", b"["):
            return True  # JSON may write it as 1e6
        return any(name in body for name in known) or not _is_utf8(body)

    @cached_property
    def _sought(self) -> list[bytes] | None:
        """All names, if texts can only have them as they are."""
        names = self.names | self.rows
        if len(names) > _MOST_SOUGHT or not all(map(_PLAIN.fullmatch, names)):
            return None
        return [name.encode() for name in names]

    @cached_property
    def _is_number(self) -> bool:
        return any(name.lstrip("+-").isdigit() for name in self.names | self.rows)

    @staticmethod
    def _read(cell: Any) -> str | None:
        """Return a value as cells are read, without what that takes for a whole column; no name means "not known"."""
        if cell is None or isinstance(cell, dict | list):
            return None
        text = str(cell).strip()
        whole = _WHOLE_AS_DECIMAL.fullmatch(text)
        return whole[1] if whole else text


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def as_text(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return cells as they are compared; null where they are no plain values."""
    try:
        text = pc.cast(cells, pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.chunked_array([pa.nulls(len(cells), pa.string())])
    return as_categories(trimmed(as_written(text)))


def _spellings(name: str) -> set[str]:
    return {name, table_names([name])[name]}
