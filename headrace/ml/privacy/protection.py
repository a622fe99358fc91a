"""Hides declared personal columns of a file before anything else sees its cells, and leaves out people who were erased."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.arrays import Flags
from headrace.ml.cells import as_categories, as_flags, trimmed
from headrace.ml.files.table_file import TableFile
from headrace.ml.privacy.encryption import CellCipher
from headrace.ml.privacy.hashing import hashed_value
from headrace.ml.text_table import TextTable

WITHHELD = "withheld: the pipeline declares personal columns, and in a broken row nobody knows where they are"
"""Stands for the text of a row with the wrong number of cells."""

Treatment = Literal["drop", "hash", "encrypt"]


@dataclass(frozen=True)
class ProtectionRule:
    """What the pipeline file says of personal columns, without the key.

    Parameters
    ----------
    personal : mapping of str to {"drop", "hash", "encrypt"}
        What becomes of each.
    subject : str or None
        The column that identifies a person.
    undeclared : {"warn", "quarantine", "off"}
        What happens if other columns look personal.
    not_personal : tuple of str
        Columns that are not looked at.
    erased : tuple of str
        Hashes of people whose rows are left out.
    also_subject : tuple of str
        Other names that the subject's column may have.
    """

    personal: Mapping[str, Treatment]
    subject: str | None = None
    undeclared: Literal["warn", "quarantine", "off"] = "warn"
    not_personal: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    also_subject: tuple[str, ...] = ()

    @property
    def needs_key(self) -> bool:
        """Whether anything has to be hashed."""
        return "hash" in self.personal.values() or bool(self.erased)

    @property
    def encrypts(self) -> bool:
        """Whether anything has to be encrypted, under a key of its own."""
        return "encrypt" in self.personal.values()

    @property
    def keeps_originals(self) -> bool:
        """Whether a file that is refused whole may be copied as it is: nothing in it has to be hidden."""
        return not self.personal and self.undeclared != "quarantine"


def same_as_in_cells(value: str) -> str | None:
    """Return a value as cells that hold it are read: without white space, 7.0 as 7; None if it means "not known".

    Examples
    --------
    >>> same_as_in_cells(" 7.0 "), same_as_in_cells("n/a")
    ('7', None)
    """
    found: str | None = _read(pa.chunked_array([[value]], pa.string()))[0].as_py()
    return found


@dataclass(frozen=True)
class Protection:
    """A rule, and the key that it takes.

    Parameters
    ----------
    rule : ProtectionRule
        What is declared.
    key : bytes
        Of the hashes; empty if the rule needs none.
    cipher : CellCipher or None
        What encrypts cells; None if the rule has none encrypted.
    """

    rule: ProtectionRule
    key: bytes = b""
    cipher: CellCipher | None = None

    def names(self, names: list[str]) -> list[str]:
        """Return the columns that are left of a file's."""
        return [name for name in names if self.rule.personal.get(name) != "drop"]

    def hide(self, table: TextTable) -> TextTable:
        """Return rows without dropped columns, with hashed and encrypted cells, and without the people who were erased.

        Examples
        --------
        >>> rule = ProtectionRule({"email": "drop", "customer": "hash"}, subject="customer")
        >>> import numpy as np
        >>> cells = pa.table({"customer": ["7", None], "email": ["a@b.org", "c@d.org"], "y": ["1", "2"]})
        >>> hidden = Protection(rule, b"key").hide(TextTable(cells, np.array([1, 2]))).cells
        >>> hidden.column_names, hidden.column("customer").to_pylist()[1]
        (['customer', 'y'], None)
        """
        table = self._without_erased(table)
        cells = table.cells.select(self.names(table.cells.column_names))
        for place, name in enumerate(cells.column_names):
            if self.rule.personal.get(name) == "hash":
                cells = cells.set_column(place, name, self._hashed(cells.column(name)))
            elif self.rule.personal.get(name) == "encrypt":
                cells = cells.set_column(place, name, self._encrypted(cells.column(name), name))
        broken = dict.fromkeys(table.broken, WITHHELD) if self.rule.personal else table.broken
        return replace(table, cells=cells, broken=broken)

    def is_erased(self, people: pa.ChunkedArray) -> Flags:
        """Tell which cells of the subject's column name somebody who was erased."""
        return as_flags(pc.is_in(self._hashed(people), value_set=pa.array(self.rule.erased, pa.string())))

    def _without_erased(self, table: TextTable) -> TextTable:
        if not self.rule.erased:
            return table
        for subject in (self.rule.subject, *self.rule.also_subject):
            if subject in table.cells.column_names:
                kept = ~self.is_erased(table.cells.column(subject))
                cells = table.cells.filter(pa.array(kept))
                table = replace(table, cells=cells, row_numbers=table.row_numbers[kept])
        return table

    def _hashed(self, cells: pa.ChunkedArray) -> pa.ChunkedArray:
        return _replaced(_read(cells), lambda value: hashed_value(value, self.key))

    def _encrypted(self, cells: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
        assert self.cipher is not None
        cipher = self.cipher
        # As they are, and not as categories are read: 7.0 is to be 7.0 again.
        return _replaced(trimmed(cells), lambda value: cipher.encrypted(value, name))


def _replaced(cells: pa.ChunkedArray, stands_for: Callable[[str], str]) -> pa.ChunkedArray:
    """Replace each value, once, however often it comes."""
    encoded = pc.dictionary_encode(cells).unify_dictionaries()
    chunks = []
    for chunk in encoded.chunks:
        texts = [stands_for(value) for value in chunk.dictionary.to_pylist()]
        chunks.append(pa.array(texts, pa.string()).take(chunk.indices))
    return pa.chunked_array(chunks, pa.string())


def _read(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    return as_categories(trimmed(cells))


@dataclass(frozen=True)
class ProtectedFile:
    """A file whose personal columns nobody gets to see.

    Parameters
    ----------
    file : TableFile
        As it was dropped.
    protection : Protection
        What is hidden.
    """

    file: TableFile
    protection: Protection

    @property
    def names(self) -> list[str]:
        """Its columns, without those that are dropped."""
        return self.protection.names(self.file.names)

    def blocks(self) -> Iterator[TextTable]:
        """Yield its rows."""
        return map(self.protection.hide, self.file.blocks())


def protected(file: TableFile, protection: Protection | None) -> TableFile:
    """Return the file as it may be seen."""
    return ProtectedFile(file, protection) if protection else file
