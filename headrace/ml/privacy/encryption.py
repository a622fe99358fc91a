"""Encrypted cells: what may be read again, by whoever may read the key.

Equal values of a column are encrypted to equal texts: a file that is read again gives the same rows, and rows that come twice are
still told. AES-SIV [1]_ is made for that: it shows that two values are equal, and nothing else. The names of the pipeline and of the column
are authenticated with each value, so that a text which is moved to another column cannot be read there.

References
----------
.. [1] RFC 5297, "Synthetic Initialization Vector (SIV) Authenticated Encryption Using the Advanced Encryption Standard (AES)".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

ENCRYPTED = re.compile(r"siv-[A-Za-z0-9_-]{22,}")
"""How an encrypted cell looks: at least the sixteen bytes that authenticate it."""

_PREFIX = "siv-"
_USE = b"headrace: cells of personal columns, AES-256-SIV"


class NotReadableError(ValueError):
    """A cell was encrypted by another pipeline, under another key or for another column; the text repeats nothing."""


@dataclass(frozen=True)
class CellCipher:
    """Encrypts the cells of one pipeline.

    Parameters
    ----------
    secret : bytes
        At least 256 bits of randomness, from which the key is derived.
    pipeline : str
        Its name.

    Examples
    --------
    >>> cipher = CellCipher(b"secret" * 11, "shop")
    >>> cell = cipher.encrypted("ann@example.org", "email")
    >>> cell[:4], cipher.encrypted(cell, "email") == cell, cipher.decrypted(cell, ["phone", "email"])
    ('siv-', True, 'ann@example.org')
    """

    secret: bytes = field(repr=False)
    pipeline: str

    @cached_property
    def _aead(self) -> AESSIV:
        # Spark and the images of models have no such library, and never need it.
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415

        return AESSIV(hmac.digest(self.secret, _USE, hashlib.sha512))

    def _bound_to(self, column: str) -> list[bytes]:
        return [self.pipeline.encode(), column.encode()]

    def encrypted(self, value: str, column: str) -> str:
        """Return what is stored in the place of a value; a cell that this has made is returned as it is."""
        if ENCRYPTED.fullmatch(value) and self._opened(value, column) is not None:
            return value
        made = self._aead.encrypt(value.encode(), self._bound_to(column))
        return _PREFIX + base64.urlsafe_b64encode(made).rstrip(b"=").decode()

    def decrypted(self, cell: str, columns: Iterable[str]) -> str:
        """Return the value of an encrypted cell; any other cell is returned as it is.

        Parameters
        ----------
        cell : str
            Of a file, or of anything that was made of it, where its column may have another name.
        columns : iterable of str
            Those that it may be of, by their names in dropped files.

        Raises
        ------
        NotReadableError
            If it was not encrypted by this, for one of these columns.
        """
        if not ENCRYPTED.fullmatch(cell):
            return cell
        values = (self._opened(cell, column) for column in columns)
        value = next((value for value in values if value is not None), None)
        if value is None:
            raise NotReadableError(
                "a cell cannot be decrypted: it is another column's or another pipeline's, or of a time before another key"
            )
        return value

    def restored(self, record: dict[str, Any], columns: Iterable[str]) -> dict[str, Any]:
        """Return a record with its encrypted cells as they were."""
        known = tuple(columns)
        return {
            name: self.decrypted(cell, known) if isinstance(cell, str) else cell
            for name, cell in record.items()
        }

    def _opened(self, cell: str, column: str) -> str | None:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        sealed = cell.removeprefix(_PREFIX)
        try:
            body = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
            return self._aead.decrypt(body, self._bound_to(column)).decode()
        except (InvalidTag, ValueError):
            return None
