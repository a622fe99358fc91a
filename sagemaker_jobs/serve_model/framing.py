"""Bytes with their length before them, between two processes."""

from __future__ import annotations

from typing import IO

_LENGTH = 8


def write_frame(file: IO[bytes], data: bytes) -> None:
    """Write `data`, and see to it that it is on its way."""
    file.write(len(data).to_bytes(_LENGTH, "big"))
    file.write(data)
    file.flush()


def read_frame(file: IO[bytes]) -> bytes | None:
    """Return what `write_frame` wrote; None at the end, or if the rest is missing.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> write_frame(file, b"ab")
    >>> read_frame(io.BytesIO(file.getvalue())), read_frame(io.BytesIO(file.getvalue()[:-1]))
    (b'ab', None)
    """
    length = file.read(_LENGTH)
    if len(length) < _LENGTH:
        return None
    size = int.from_bytes(length, "big")
    data = file.read(size)
    return data if len(data) == size else None
